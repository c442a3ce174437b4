#include "tunnel/byte_queue.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace penstock {
namespace {

constexpr std::size_t kSmallestBlock = 1024;
constexpr std::size_t kLargestBlock = 65536;
/// More pieces like this one are expected, and the link takes them fastest where they lie together.
constexpr std::size_t kPieces = 8;

}  // namespace

struct ByteQueue::Block {
  explicit Block(std::size_t size) : data{new std::byte[size]}, capacity{size} {}
  std::unique_ptr<std::byte[]> data;
  std::size_t capacity;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::unique_ptr<Block> next;
};

ByteQueue::ByteQueue() = default;
ByteQueue::~ByteQueue() {
  clear();
}

void ByteQueue::append(Bytes bytes) {
  size_ += bytes.size();
  taken_ += bytes.size();
  while (!bytes.empty()) {  // blocks grow with the queue, so that much of it lies together
    if (tail_ == nullptr || tail_->end == tail_->capacity) {
      const std::size_t wanted = std::max({size_, bytes.size() * kPieces, expected_});
      auto block = std::make_unique<Block>(std::clamp(std::bit_ceil(wanted), kSmallestBlock, kLargestBlock));
      Block* const added = block.get();
      (tail_ == nullptr ? head_ : tail_->next) = std::move(block);
      tail_ = added;
    }
    const std::size_t fits = std::min(bytes.size(), tail_->capacity - tail_->end);
    std::memcpy(tail_->data.get() + tail_->end, bytes.data(), fits);
    tail_->end += fits;
    bytes = bytes.subspan(fits);
  }
}

Bytes ByteQueue::front() const {
  if (head_ == nullptr) return {};
  return {head_->data.get() + head_->begin, head_->end - head_->begin};
}

void ByteQueue::consume(std::size_t count) {
  size_ -= count;
  head_->begin += count;
  if (head_->begin < head_->end) return;
  head_ = std::move(head_->next);
  if (head_ != nullptr) return;
  tail_ = nullptr;
  expected_ = std::exchange(taken_, 0);
}

void ByteQueue::clear() {
  while (head_ != nullptr) head_ = std::move(head_->next);  // one by one: a chain must not unwind recursively
  tail_ = nullptr;
  size_ = taken_ = expected_ = 0;
}

}  // namespace penstock
