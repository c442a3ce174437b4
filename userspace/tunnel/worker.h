// One worker: a thread's loop, its view of the network, what it counted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "net/loop.h"
#include "net/network.h"
#include "tunnel/counters.h"

namespace penstock {

/// References to what the node owns; all of it lives until every thread has ended.
struct Worker {
  unsigned index;
  Loop& loop;
  Network& network;
  Counters& counters;
};

/// What one worker may have of what the node may have in all; at least one.
inline std::uint32_t share_of(std::uint32_t of_node, std::size_t workers) {
  return std::max<std::uint32_t>(1, of_node / static_cast<std::uint32_t>(workers));
}

}  // namespace penstock
