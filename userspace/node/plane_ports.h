// The public ports of this node's edge, by kernel programs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "edge/public_ports.h"
#include "net/asio_network.h"
#include "steering/kernel_plane.h"
#include "tunnel/ledger.h"

namespace penstock {

/// Lives on the control loop's thread, with the plane, which outlives it.
class PlanePorts final : public PublicPorts {
 public:
  PlanePorts(KernelPlane& plane, AsioNetwork& network);

  std::unique_ptr<Pending> serve(ListenerObserver& observer) override;
  Result<std::unique_ptr<Pending>> open(const Endpoint& on, bool udp) override;
  void set_service(std::uint16_t port, bool udp, const std::string& service) override;
  void share_among(unsigned workers) override;

  /// What the programs dropped on its way to services, as rows of the ledger.
  std::vector<LedgerRow> dropped() const;

 private:
  std::uint16_t number(const std::string& service);

  KernelPlane& plane_;
  AsioNetwork& network_;
  std::vector<std::string> names_;  // by number in the programs' books; 0: nobody's
  std::map<std::string, std::uint16_t> numbers_;
};

}  // namespace penstock
