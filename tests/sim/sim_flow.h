// A flow from client to backend as the test sees it: both its ends, and whether they agree.
#pragma once

#include <memory>
#include <string>

#include "sim/sim_peer.h"
#include "support/sim_network.h"

namespace penstock {

struct FlowPlan {
  PeerPlan client;
  PeerPlan backend;
};

constexpr FlowPlan kSmallPlan{.client = {.send = 1000}, .backend = {.send = 5000}};
/// Both ends leave their side open.
constexpr FlowPlan kOpenEndedPlan{.client = {.send = 1000, .finish = false},
                                  .backend = {.send = 5000, .finish = false}};

/// Dials the service from an address of its own; the backend finds it by the PROXY line, so that bytes given
/// to the wrong flow show as wrong bytes.
class SimFlow {
 public:
  SimFlow(SimInternet& internet, Loop& loop, const IpAddress& from, const Endpoint& to, const FlowPlan& plan,
          std::uint64_t seed);
  SimFlow(const SimFlow&) = delete;
  SimFlow& operator=(const SimFlow&) = delete;

  const Endpoint& to() const { return to_; }
  const IpAddress& from() const { return from_; }
  const FlowPlan& plan() const { return plan_; }
  /// Null until the dial, or the backend's reading of the PROXY line, came so far.
  SimPeer* client() const { return client_.get(); }
  SimPeer* backend() const { return backend_; }
  void serve(SimPeer& backend);

  bool refused() const { return refused_; }
  /// The client's connection was refused or reset.
  bool was_reset() const { return refused_ || (client_ != nullptr && client_->was_reset()); }
  /// Both ends sent and got everything, in order, and ended.
  bool completed() const;
  /// Nothing of it goes on.
  bool over() const;
  /// Empty while all is as it must be, whether finished or not.
  std::string mistake() const;

 private:
  void dialled(Result<std::unique_ptr<Connection>> connection);

  const IpAddress from_;
  const Endpoint to_;
  const FlowPlan plan_;
  const Pattern request_;
  const Pattern answer_;
  Loop& loop_;
  SimNetwork network_;
  std::unique_ptr<Pending> dial_;
  std::unique_ptr<SimPeer> client_;
  SimPeer* backend_ = nullptr;  // owned by the SimBackend
  bool refused_ = false;
};

}  // namespace penstock
