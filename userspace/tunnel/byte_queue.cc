#include "tunnel/byte_queue.h"

#include <algorithm>
#include <cstring>

namespace penstock {
namespace {

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
  block_size_.took(bytes.size());
  while (!bytes.empty()) {  // blocks grow with the queue, so that much of it lies together
    if (tail_ == nullptr || tail_->end == tail_->capacity) {
      auto block = std::make_unique<Block>(block_size_.next(std::max(size_, bytes.size() * kPieces)));
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
  block_size_.emptied();
}

void ByteQueue::clear() {
  while (head_ != nullptr) head_ = std::move(head_->next);  // one by one: a chain must not unwind recursively
  tail_ = nullptr;
  size_ = 0;
  block_size_ = {};
}

}  // namespace penstock
