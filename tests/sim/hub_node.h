// A whole hub in a simulated world.
#pragma once

#include <memory>
#include <string>

#include "hub/hub.h"
#include "net/certificate.h"
#include "sim/sim_machine.h"
#include "steering/socket_steering.h"
#include "store/store.h"

namespace penstock {

/// Destroying it is a crash: connections end, and what was in memory is gone. The state directory outlives
/// it.
class HubNode {
 public:
  HubNode(SimInternet& internet, const IpAddress& address, const Config& config,
          const std::string& state_directory, const KeyAndCertificate& key);

  Hub& hub() { return *hub_; }
  SimMachine& machine() { return machine_; }
  const SimJournal& journal() const { return machine_.journal; }
  std::size_t flows() const;
  std::size_t carriers() const;
  /// Of the only carrier.
  CarrierReport carrier() const;

 private:
  SimMachine machine_;
  SocketSteeringMaker steering_{SocketSteering::LocalAddress::kAsBound};
  Store store_;
  std::unique_ptr<Hub> hub_;
};

}  // namespace penstock
