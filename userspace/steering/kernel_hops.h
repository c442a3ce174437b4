// Where rewritten packets leave: the kernel's routes and neighbours, in the form that the programs read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "bpf/bpf_map.h"
#include "host/next_hops.h"
#include "penstock/abi/session.h"

namespace penstock {

/// An interface that packets of the programs may leave by.
struct OuterInterface {
  std::uint32_t index = 0;   // that routes name: may be a VLAN's
  std::uint32_t device = 0;  // that frames leave by: the same, or the VLAN's parent
  std::uint16_t vlan = 0;
  Mac mac;
  pst_hop_way way = PST_HOP_FRAME;
};

/// The next hops of one lane: elements of pst_next_hops that are its own. A hop is known when the route is,
/// and usable once the neighbour's MAC is; until then a socket must send, which makes the kernel ask for the
/// MAC. One thread.
class KernelHops {
 public:
  using Map = BpfMap<std::uint32_t, pst_next_hop>;
  static constexpr std::uint16_t kLocal = 1;   // the element for backends on this host, which all lanes share
  static constexpr std::uint16_t kFirst = 16;  // those below are no lane's own

  struct Hop {
    std::uint16_t index = 0;   // 0: none, a socket sends
    bool local = false;        // the destination is this host
    bool reachable = false;    // there is a route
    IpAddress source;          // what the kernel would send from
    std::uint32_t mtu = 1500;  // longest IP packet
    bool operator==(const Hop&) const = default;
  };

  /// Elements first ... first + count - 1 are this lane's. It uses the half of them that the process before
  /// did not, so that sessions that are forwarded meanwhile keep their ways. `map` outlives it.
  KernelHops(NextHops lookups, const Map& map, std::vector<OuterInterface> interfaces, std::uint32_t first,
             std::uint32_t count);

  /// The way to an address; what is known of it is at most some seconds old, and asked for anew when routes
  /// change. Clients, who may be many, do not push out what is known of backends.
  Hop to_client(const IpAddress& destination) { return known_way(destination, to_clients_); }
  Hop to_backend(const IpAddress& destination) { return known_way(destination, to_backends_); }
  /// Whether frames of the controller can leave by it now. By a device without Ethernet the programs forward
  /// alone, and a socket sends what is ours.
  bool usable(std::uint16_t index) const;
  /// Looks at all neighbours anew; with `routes`, forgets the ways too, and epoch() moves on.
  void refresh(bool routes);
  /// Asks anew for the ways whose turn it is, 32 to clients and 32 to backends, since the kernel does not
  /// tell when it learned of a path's MTU, or forgot it. If one to a backend has changed, epoch() moves on.
  void look_again();
  /// Tells the kernel that its entries are in use, so that it keeps them fresh.
  void keep_alive();
  /// Three quarters of the elements are taken: what no session goes by should be freed.
  bool crowded() const { return index_of_.size() >= count_ - count_ / 4; }
  /// Frees the elements whose index `used` does not name; it has a place for each index there is. If any were
  /// freed, epoch() moves on: sessions that found no free one may have one now.
  void keep_only(const std::vector<bool>& used);
  /// No session has a way of the process before any more.
  void forget_before();
  /// Changes whenever a way may have changed.
  std::uint32_t epoch() const { return epoch_; }

 private:
  /// What makes an element another one.
  struct Leg {
    std::uint32_t interface = 0;
    IpAddress neighbour;
    std::uint32_t mtu = 1500;
    auto operator<=>(const Leg&) const = default;
  };
  struct Entry {
    Leg leg;
    OuterInterface interface;
    std::optional<Mac> mac;
  };
  struct Ways {
    std::unordered_map<IpAddress, Hop, IpAddressHash> known;
    std::vector<IpAddress> turn;  // those of `known` that are still to be asked for anew
  };
  static constexpr std::size_t kKnownWays = 1024;
  static constexpr std::size_t kAskedAnew = 32;

  static bool is_free(const Map& map, std::uint32_t first, std::uint32_t count);
  Hop known_way(const IpAddress& destination, Ways& ways);
  std::optional<Hop> look_up(const IpAddress& destination);
  bool look_again(Ways& ways);
  void forget_ways();
  std::uint16_t entry_for(const Leg& leg);
  std::optional<std::size_t> free_place();
  void resolve(std::uint16_t index, Entry& entry);
  void write_bare(std::uint16_t index, const Entry& entry);

  NextHops lookups_;
  const Map& map_;
  const std::vector<OuterInterface> interfaces_;
  const std::uint32_t count_;
  const std::uint32_t first_;
  const std::uint32_t other_;                  // the first of the half that the process before used
  std::vector<std::optional<Entry>> entries_;  // element first_ + i; nothing: free
  std::map<Leg, std::uint16_t> index_of_;
  Ways to_clients_;
  Ways to_backends_;
  std::uint32_t epoch_ = 1;
};

}  // namespace penstock
