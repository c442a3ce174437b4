// The public ports of an edge as kernel programs know them: opening one is a store into a map, whatever their
// number.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "bpf/bpf_array.h"
#include "bpf/bpf_map.h"
#include "net/network.h"
#include "penstock/abi/settings.h"

namespace penstock {

/// pst_ports and pst_addresses. TCP ports lead to one listener for each family, UDP ports to the lanes. A
/// port of another program is refused: binding is tried first. Used on the control loop's thread.
class KernelPorts {
 public:
  using Ports = BpfArray<pst_port>;
  using Addresses = BpfMap<pst_address, std::uint32_t>;
  using Settings = BpfMap<std::uint32_t, pst_settings>;

  KernelPorts(Ports ports, Addresses addresses, const Settings& settings);

  /// The port is ours until the answer is destroyed, on that address, or on all of its family.
  Result<std::unique_ptr<Pending>> open(const Endpoint& on, bool udp);
  /// Number of pst_services under which a port's drops are counted.
  void set_service(std::uint16_t port, bool udp, std::uint16_t service);
  /// ... as it was set last. Any thread.
  std::uint16_t service(std::uint16_t port, bool udp);
  /// Sessions of that lane leave from this UDP port from now on. Any thread, each for ports of its own.
  void claim_source(std::uint16_t port, std::uint16_t lane);
  /// Lanes 0 ... lanes - 1 take new sessions from now on.
  Result<void> share_among(std::uint16_t lanes);
  /// The addresses of this host have changed.
  void refresh_addresses();

 private:
  class OpenPort;

  void close(const Endpoint& on, bool udp);
  void update_binds();
  static std::uint32_t index_of(std::uint16_t port, bool udp) { return udp ? PST_UDP_PORT(port) : port; }

  Ports ports_;
  Addresses addresses_;
  const Settings& settings_;
  std::map<std::uint32_t, unsigned> endpoints_;   // on each port, by index in pst_ports
  std::map<IpAddress, unsigned> binds_;           // open endpoints by address; 0.0.0.0 and :: mean all
  std::map<IpAddress, std::uint32_t> published_;  // what pst_addresses has
};

}  // namespace penstock
