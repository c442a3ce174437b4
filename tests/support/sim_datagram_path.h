// How datagrams of a simulated internet travel.
#pragma once

#include "base/time.h"

namespace penstock {

/// The way to one host. Each chance is drawn for each datagram by itself.
struct SimDatagramPath {
  Duration delay = std::chrono::microseconds{100};
  double loss = 0;         // chance to be lost
  double duplication = 0;  // ... to arrive twice, each time by a draw of its own
  double reordering = 0;   // ... to be held up behind others ...
  Duration held{};         // ... for a random time up to this
};

}  // namespace penstock
