// Bytes that wait for a slow consumer.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"

namespace penstock {

/// First in, first out. Memory follows what is held: blocks grow with the queue, small pieces share one, and
/// an empty queue holds none. It expects as much as it took between the last two times that it was empty, so
/// that the turns of a busy stream lie together each.
/// The bound is the caller's: a stream never appends more than it granted.
class ByteQueue {
 public:
  ByteQueue();
  ~ByteQueue();
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  void append(Bytes bytes);
  /// The longest piece at the front that is contiguous; empty when the queue is.
  Bytes front() const;
  void consume(std::size_t count);  // at most front().size()
  void clear();
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Block;
  std::unique_ptr<Block> head_;
  Block* tail_ = nullptr;
  std::size_t size_ = 0;
  std::size_t taken_ = 0;     // since it was empty
  std::size_t expected_ = 0;  // taken the time before
};

}  // namespace penstock
