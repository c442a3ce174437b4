// What every simulated node stands on: loops in place of threads, and the tables that its roles share.
#pragma once

#include <memory>
#include <vector>

#include "config/config.h"
#include "sim/sim_journal.h"
#include "support/sim_loop.h"
#include "support/sim_network.h"
#include "tunnel/admission.h"
#include "tunnel/window.h"
#include "tunnel/worker.h"

namespace penstock {

/// Made before a role, destroyed after it. Destroying it drops what was under way between its threads.
class SimMachine {
 public:
  /// The budget is that of the node's only role: towards the backend for a hub, towards the client for an
  /// edge.
  SimMachine(SimInternet& internet, const IpAddress& address, const Config& config)
      : journal{internet.clock()},
        admission{{.total = config.limits.flows,
                   .per_source = config.limits.flows_per_source,
                   .prefix_v4 = config.limits.source_prefix_v4,
                   .prefix_v6 = config.limits.source_prefix_v6}},
        sessions_admission{{.total = UINT32_MAX,
                            .per_source = config.limits.sessions_per_source,
                            .prefix_v4 = config.limits.source_prefix_v4,
                            .prefix_v6 = config.limits.source_prefix_v6}},
        budget{config.limits.window_budget, config.limits.flows},
        control{internet.clock()},
        network{internet, control, {address}} {
    for (std::uint32_t i = 0; i < config.node.workers; ++i) {
      threads_.push_back(std::make_unique<Thread>(internet, address));
    }
  }

  std::vector<Worker> workers() {
    std::vector<Worker> out;
    for (unsigned i = 0; i < threads_.size(); ++i) {
      out.push_back({i, threads_[i]->loop, threads_[i]->network, threads_[i]->counters});
    }
    return out;
  }
  /// Over all threads.
  std::uint64_t count(Reason reason) const {
    const auto index = static_cast<std::size_t>(reason);
    std::uint64_t sum = counters.reasons[index].get();
    for (const auto& thread : threads_) sum += thread->counters.reasons[index].get();
    return sum;
  }
  std::uint64_t total(Counter Counters::*which) const {
    std::uint64_t sum = (counters.*which).get();
    for (const auto& thread : threads_) sum += (thread->counters.*which).get();
    return sum;
  }

 private:
  struct Thread {
    Thread(SimInternet& internet, const IpAddress& address)
        : loop{internet.clock()}, network{internet, loop, {address}} {}
    Counters counters;
    SimLoop loop;
    SimNetwork network;
  };

 public:
  SimJournal journal;
  Admission admission;
  Admission sessions_admission;
  WindowBudget budget;
  Counters counters;
  SimLoop control;
  SimNetwork network;

 private:
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace penstock
