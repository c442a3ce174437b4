// What a worker counted. Written by one thread, read by any, without a lock.
#pragma once

#include <array>

#include "base/counter.h"
#include "base/reason.h"

namespace penstock {

/// One of these a thread.
struct Counters {
  std::array<Counter, PST_R_MAX> reasons;  // flows, carriers and frames by the reason of abi/reasons.h
  Counter flows_opened;
  Counter sessions_opened;
  Counter bytes_to_backend;  // of flows
  Counter bytes_to_client;

  void count(Reason reason, std::uint64_t times = 1) { reasons[static_cast<std::size_t>(reason)].add(times); }
};

}  // namespace penstock
