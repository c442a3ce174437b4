// Which carriers make up the tunnel of which edge.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace penstock {

/// Names a connection of an edge to this hub: which worker has it, and its number there.
struct CarrierId {
  unsigned worker = 0;
  std::uint64_t number = 0;
  auto operator<=>(const CarrierId&) const = default;
};

/// What a session tells of the carrier that it was opened on, beyond the life of a process.
struct InheritedHome {
  std::uint64_t edge = 0;  // hash_of_edge()
  std::uint64_t instance = 0;
  std::uint32_t carrier = 0;  // its index
  auto operator<=>(const InheritedHome&) const = default;
};

/// The same in every process. Edges are named by the operator, so nobody chooses names that collide.
std::uint64_t hash_of_edge(std::string_view id);

/// The tunnels of the connected edges: one for each edge id, of one instance of that edge. Pure; one thread.
class TunnelRegistry {
 public:
  struct Tunnel {
    std::uint64_t instance = 0;
    bool legacy = false;
    Time since;
    std::map<std::uint32_t, CarrierId> carriers;  // by the index that HELLO gave
  };
  struct Placed {
    bool refused = false;             // the tunnel has as many carriers as it may
    bool connected = false;           // the edge was not connected before
    bool contested = false;           // third replacement within ten minutes
    std::vector<CarrierId> replaced;  // carriers to be sent away
  };

  explicit TunnelRegistry(std::uint32_t carriers_per_tunnel) : most_carriers_{carriers_per_tunnel} {}

  /// A carrier said who it is. Another instance replaces the tunnel whole; the same index replaces that
  /// carrier, which is left to itself when the new one stands `beside` it.
  Placed place(const std::string& edge, std::uint64_t instance, bool legacy, std::uint32_t index,
               CarrierId carrier, Time now, bool beside = false);
  /// A worker has UDP sessions of a carrier of the process before.
  void inherit(const InheritedHome& home, unsigned worker) { inherited_[home] = worker; }
  /// The worker that has the UDP sessions of that carrier, and so must have the carrier: `here`, unless an
  /// earlier carrier with its index was elsewhere. Remembered for the edge's latest instance.
  unsigned home(const std::string& edge, std::uint64_t instance, std::uint32_t index, unsigned here);
  /// The carrier is gone; true when it was the last one of its edge's tunnel.
  bool remove(const std::string& edge, CarrierId carrier);
  /// The edge is known no longer.
  void forget(const std::string& edge) {
    replacements_.erase(edge);
    homes_.erase(edge);
  }
  const Tunnel* find(const std::string& edge) const;
  std::size_t connected() const { return tunnels_.size(); }

 private:
  /// Where the carriers of an instance live, by index: at most as many as a tunnel may have.
  struct Homes {
    std::uint64_t instance = 0;
    std::map<std::uint32_t, unsigned> workers;
  };
  bool contested(const std::string& edge, Time now);

  const std::uint32_t most_carriers_;
  std::map<std::string, Tunnel> tunnels_;
  std::map<std::string, Homes> homes_;                    // of known edges only
  std::map<InheritedHome, unsigned> inherited_;           // until an edge asks
  std::map<std::string, std::deque<Time>> replacements_;  // of known edges only, the last ten minutes
};

}  // namespace penstock
