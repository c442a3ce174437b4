// A lane: one worker's share of the kernel steering of a role, with the sockets that are its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "net/bound_udp.h"

namespace penstock {

/// The sockets of a lane, bound and not read yet.
struct LaneSockets {
  std::unique_ptr<SystemBoundUdp> steering;  // frames of all sessions, both ways
  std::unique_ptr<BoundUdp> link;            // the same without the host's stack; null where it cannot be had
  std::unique_ptr<SystemBoundUdp> whole_v4;  // what the programs left to the stack, found by sk_lookup
  std::unique_ptr<SystemBoundUdp> whole_v6;  // null where the host has no IPv6
};

/// Binds them; `steering_address` is an address of this host, of IPv4. So many lanes share the steering
/// device: the frames that they have under way together are not more than it holds.
Result<LaneSockets> open_lane_sockets(const IpAddress& steering_address, std::uint32_t lanes);

/// Which local ends sessions have towards their backends.
class SourcePorts {
 public:
  /// `ports` are shared by all lanes, by the remainder, so that a lane has the same ones whichever others are
  /// missing; in order. `local_address` is the first address that this lane alone gives to
  /// sessions of backends on this host.
  SourcePorts(std::vector<std::uint16_t> ports, unsigned lane, unsigned lanes, IpAddress local_address)
      : ports_{std::move(ports)}, local_address_{local_address} {
    std::erase_if(ports_, [=](std::uint16_t port) { return port % lanes != lane; });
  }

  std::uint32_t count() const { return static_cast<std::uint32_t>(ports_.size()); }
  /// The number's port towards backends elsewhere; below count().
  std::uint16_t port(std::uint32_t number) const { return ports_[number]; }
  /// ... and its endpoint towards backends on this host.
  Endpoint local(std::uint32_t number) const {
    return {local_address_, static_cast<std::uint16_t>(kFirstLocalPort + number)};
  }
  /// The number of a source, towards a backend elsewhere or on this host; none when it is not of this lane.
  std::optional<std::uint32_t> number_of(const Endpoint& source, bool local) const {
    if (local) {
      const bool ours = source.address == local_address_ && source.port >= kFirstLocalPort;
      if (!ours) return std::nullopt;
      return static_cast<std::uint32_t>(source.port) - kFirstLocalPort;
    }
    const auto found = std::lower_bound(ports_.begin(), ports_.end(), source.port);
    if (found == ports_.end() || *found != source.port) return std::nullopt;
    return static_cast<std::uint32_t>(found - ports_.begin());
  }

 private:
  static constexpr std::uint32_t kFirstLocalPort = 1024;

  std::vector<std::uint16_t> ports_;
  IpAddress local_address_;
};

}  // namespace penstock
