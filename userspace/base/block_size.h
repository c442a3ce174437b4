// How large the next block of a queue of bytes should be.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

namespace penstock {

/// Blocks grow with what their queue holds, so that memory follows it. They also expect as much as the queue
/// took between the last two times that it was empty, or half of what they expected before if that is more:
/// so each burst of a busy stream lies together, though a short one came between.
class BlockSize {
 public:
  static constexpr std::size_t kSmallest = 1024;  // bytes
  /// What a run of packets carries, so that a turn of a stream lies in one block at either end.
  static constexpr std::size_t kLargest = 60 << 10;

  /// The queue took so many bytes.
  void took(std::size_t bytes) { taken_ += bytes; }
  void emptied() { expected_ = std::max(std::exchange(taken_, 0), expected_ / 2); }
  /// For a queue that could use `wanted` bytes now.
  std::size_t next(std::size_t wanted) const {
    return std::clamp(std::bit_ceil(std::max(wanted, expected_)), kSmallest, kLargest);
  }

 private:
  std::size_t taken_ = 0;     // since it was empty
  std::size_t expected_ = 0;  // to be taken until it is empty again
};

}  // namespace penstock
