// Where the kernel would send a datagram: interface, next hop, source address, MTU, and the neighbour's MAC.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/error.h"
#include "host/mac.h"
#include "host/netlink_socket.h"

namespace penstock {

/// What the routing table says of one destination.
struct Way {
  enum class Kind {
    kUnicast,  // out of `interface`, by way of `neighbour`
    kLocal,    // the destination is this host
    kOther,    // no way for us: no route, unreachable, blackhole, broadcast, multicast
  };

  Kind kind = Kind::kOther;  // with kOther nothing else is set
  std::uint32_t interface = 0;
  IpAddress neighbour;    // the gateway, of either family, or the destination itself when it is on the link
  IpAddress source;       // what the kernel would take as source
  std::uint32_t mtu = 0;  // bytes of an IP packet: the route's or path's, else the interface's
  bool mtu_learned = false;  // from a router on the path, by ICMP; the kernel forgets it after some minutes

  bool operator==(const Way&) const = default;
};

/// Asks the kernel for routes and neighbours through a socket of its own, in the network namespace it was
/// opened in. Belongs to one thread. Looking needs no privilege.
class NextHops {
 public:
  static Result<NextHops> open();

  /// `from` must be an address of this host if given; another has no way (Way::Kind::kOther).
  Result<Way> way_to(const IpAddress& destination, std::optional<IpAddress> from = std::nullopt);

  /// The neighbour's MAC; nothing while the kernel does not know it or has given it up.
  Result<std::optional<Mac>> neighbour(std::uint32_t interface, const IpAddress& address);

  /// Tells the kernel that we send to this neighbour, so that it resolves the MAC, or verifies one that has
  /// grown stale; the NetworkMonitor tells of the outcome. To be called again now and then for as long as the
  /// MAC is used. Needs CAP_NET_ADMIN to be permitted.
  Result<void> use_neighbour(std::uint32_t interface, const IpAddress& address);

 private:
  explicit NextHops(NetlinkSocket socket) : socket_{std::move(socket)} {}
  Result<std::uint32_t> mtu_of(std::uint32_t interface);

  NetlinkSocket socket_;
};

}  // namespace penstock
