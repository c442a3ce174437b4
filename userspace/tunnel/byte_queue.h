// Bytes that wait for a slow consumer.
#pragma once

#include <cstddef>
#include <memory>

#include "base/block_size.h"
#include "base/bytes.h"

namespace penstock {

/// First in, first out. Memory follows what is held: blocks are as large as BlockSize says, small pieces
/// share one, and an empty queue holds none. The bound is the caller's: a stream never appends more than it
/// granted.
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
  BlockSize block_size_;
};

}  // namespace penstock
