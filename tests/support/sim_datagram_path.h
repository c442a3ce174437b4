// How datagrams of a simulated internet travel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace penstock {

/// The way to one host, or from one host to another. Each chance is drawn for each datagram by itself.
struct SimDatagramPath {
  Duration delay = std::chrono::microseconds{100};
  double loss = 0;                                 // chance to be lost
  double duplication = 0;                          // ... to arrive twice, each time by a draw of its own
  double reordering = 0;                           // ... to be held up behind others ...
  Duration held{};                                 // ... for a random time up to this
  double marking = 0;                              // ... to be marked for congestion, if it can bear a mark
  bool bleaches = false;                           // clears the bits of ECN
  std::size_t largest = SIZE_MAX;                  // bytes of payload; larger ones vanish
  std::uint64_t bytes_per_second = 0;              // of payload; 0: as fast as they are sent
  Duration queue = std::chrono::milliseconds{50};  // of waiting for that; what would wait longer is lost
};

}  // namespace penstock
