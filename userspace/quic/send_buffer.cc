#include "quic/send_buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace penstock {

MutableBytes SendBuffer::room(std::size_t least) {
  least = std::clamp(least, std::size_t{1}, BlockSize::kLargest);
  if (chunks_.empty() || chunks_.back().capacity - chunks_.back().end < least) add_chunk(least);
  Chunk& last = chunks_.back();
  return {last.bytes.get() + last.end, last.capacity - last.end};
}

void SendBuffer::add_chunk(std::size_t least) {
  if (!chunks_.empty() && chunks_.back().end == 0) chunks_.pop_back();  // never written: too small
  Chunk& added = chunks_.emplace_back();
  added.capacity = chunk_size_.next(std::max(least, size_));
  added.bytes.reset(new std::byte[added.capacity]);
}

void SendBuffer::commit(std::size_t bytes) {
  if (bytes == 0) return;
  assert(bytes <= chunks_.back().capacity - chunks_.back().end);
  chunks_.back().end += bytes;
  unsent_ += bytes;
  size_ += bytes;
  chunk_size_.took(bytes);
}

void SendBuffer::append(Bytes bytes) {
  while (!bytes.empty()) {
    // What fits into the last chunk goes there; then come chunks for all the rest.
    const bool fits = !chunks_.empty() && chunks_.back().end < chunks_.back().capacity;
    const MutableBytes into = room(fits ? 1 : bytes.size());
    const std::size_t part = std::min(into.size(), bytes.size());
    std::memcpy(into.data(), bytes.data(), part);
    commit(part);
    bytes = bytes.subspan(part);
  }
}

Bytes SendBuffer::unsent() const {
  for (std::size_t i = sending_; i < chunks_.size(); ++i) {
    const Chunk& chunk = chunks_[i];
    if (chunk.next < chunk.end) return {chunk.bytes.get() + chunk.next, chunk.end - chunk.next};
  }
  return {};
}

void SendBuffer::sent(std::size_t bytes) {
  assert(bytes <= unsent_);
  unsent_ -= bytes;
  while (bytes > 0) {
    Chunk& chunk = chunks_[sending_];
    const std::size_t part = std::min(bytes, chunk.end - chunk.next);
    chunk.next += part;
    bytes -= part;
    if (bytes > 0) ++sending_;
  }
}

void SendBuffer::acknowledged(std::size_t bytes) {
  assert(bytes <= size_ - unsent_);
  size_ -= bytes;
  while (bytes > 0) {
    Chunk& chunk = chunks_.front();
    const std::size_t part = std::min(bytes, chunk.next - chunk.begin);
    chunk.begin += part;
    bytes -= part;
    if (bytes > 0) drop_front();
  }
  if (size_ == 0) chunk_size_.emptied();
  while (!chunks_.empty() && chunks_.front().begin == chunks_.front().end) {
    // The last one has room for what comes next; a large one would be too much for a silent stream.
    const Chunk& front = chunks_.front();
    if (chunks_.size() == 1 && front.capacity == BlockSize::kSmallest && front.end < front.capacity) break;
    drop_front();
  }
}

void SendBuffer::drop_front() {
  chunks_.pop_front();
  if (sending_ > 0) --sending_;
}

}  // namespace penstock
