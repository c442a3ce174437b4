// One worker: a thread's loop, its view of the network, what it counted.
#pragma once

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

}  // namespace penstock
