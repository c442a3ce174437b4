// A lane: one worker's share of the kernel steering of a role, with the sockets that are its own.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "net/bound_udp.h"

namespace penstock {

/// The sockets of a lane, bound and not read yet.
struct LaneSockets {
  std::unique_ptr<SystemBoundUdp> steering;  // frames of all sessions, both ways
  std::unique_ptr<SystemBoundUdp> whole_v4;  // what the programs left to the stack, found by sk_lookup
  std::unique_ptr<SystemBoundUdp> whole_v6;  // null where the host has no IPv6
};

/// Binds them; `steering_address` is an address of this host, of IPv4.
Result<LaneSockets> open_lane_sockets(const IpAddress& steering_address);

/// Which local ends a hub's sessions have towards their backends.
class SourcePorts {
 public:
  /// `ports` are shared by all lanes; `local_addresses` is the first address that this lane alone gives to
  /// sessions of backends on this host.
  SourcePorts(std::vector<std::uint16_t> ports, unsigned lane, unsigned lanes, IpAddress local_address)
      : ports_{std::move(ports)}, lane_{lane}, lanes_{lanes}, local_address_{local_address} {}

  std::uint32_t count() const { return static_cast<std::uint32_t>(ports_.size()) / lanes_; }
  /// The number's port towards backends elsewhere; below count().
  std::uint16_t port(std::uint32_t number) const { return ports_[number * lanes_ + lane_]; }
  /// ... and its endpoint towards backends on this host.
  Endpoint local(std::uint32_t number) const {
    return {local_address_, static_cast<std::uint16_t>(kFirstLocalPort + number)};
  }

 private:
  static constexpr std::uint32_t kFirstLocalPort = 1024;

  std::vector<std::uint16_t> ports_;
  unsigned lane_;
  unsigned lanes_;
  IpAddress local_address_;
};

}  // namespace penstock
