// A whole edge in a simulated world.
#pragma once

#include <memory>
#include <string>

#include "edge/edge.h"
#include "proto/token.h"
#include "sim/sim_machine.h"
#include "steering/socket_steering.h"

namespace penstock {

/// Destroying it is a crash.
class EdgeNode {
 public:
  EdgeNode(SimInternet& internet, const IpAddress& address, const Config& config, const std::string& token);

  Edge& edge() { return *edge_; }
  SimMachine& machine() { return machine_; }
  const SimJournal& journal() const { return machine_.journal; }
  const IpAddress& address() const { return address_; }
  std::vector<EdgeFlowSummary> flows() const;
  std::vector<EdgeCarrierSummary> carriers() const;

 private:
  const IpAddress address_;
  SimMachine machine_;
  SocketSteeringMaker steering_{SocketSteering::LocalAddress::kAsUsed};
  std::unique_ptr<Edge> edge_;
};

}  // namespace penstock
