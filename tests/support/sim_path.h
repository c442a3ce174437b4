// How the bytes of a simulated connection travel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace penstock {

/// The same in both directions. A "lossy" path, for a stream of bytes, is one that stalls and comes in
/// pieces.
struct SimPath {
  std::uint64_t bytes_per_second = 0;               // 0: as fast as they are written
  Duration delay = std::chrono::microseconds{100};  // one way
  std::size_t send_buffer = 65536;                  // bytes taken from the writer and not yet under way
  std::size_t receive_buffer = 65536;               // bytes under way or not yet read
  std::size_t segment = 16384;                      // bytes that travel together
  std::size_t pieces = 0;   // a read or write moves at most a random 1 to `pieces` bytes; 0: all that fit
  double stall_chance = 0;  // of a segment, to be held up with all behind it ...
  Duration stall{};         // ... for a random time up to this
};

}  // namespace penstock
