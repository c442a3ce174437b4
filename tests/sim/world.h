// A hub, its edges, a backend's host and many clients, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/edge_node.h"
#include "sim/hub_node.h"
#include "sim/sim_backend.h"
#include "sim/sim_flow.h"
#include "support/sim_directory.h"
#include "support/sim_entropy.h"

namespace penstock {

using namespace std::chrono_literals;

/// Changes what a node's configuration would be.
using Tweak = std::function<void(Config&)>;

/// Watches, at every event, that no node grants more than its budget. Tunnels are of one kind of carrier,
/// which is TLS where a test says nothing else. One thread.
class World {
 public:
  using Carrier = EdgeConfig::Carrier;
  static constexpr std::uint16_t kPort = 443;  // of the service that every world has: "web", with PROXY v1
  static constexpr std::uint16_t kBackendPort = 8443;

  explicit World(std::uint64_t seed, Carrier carrier = Carrier::kTls);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  bool over_quic() const { return carrier_ != Carrier::kTls; }
  /// How edges that are added later and the hub reach each other, both ways: `connections` over TLS,
  /// `datagrams` over QUIC.
  void set_tunnel_path(const SimPath& connections, const SimDatagramPath& datagrams);
  /// The same over QUIC alone, at any time.
  void set_tunnel_path(const IpAddress& edge, const SimDatagramPath& datagrams);

  /// The hub, with the service "web"; after crash_hub() again, with what the store kept.
  HubNode& start_hub(const Tweak& tweak = {});
  /// One more hub at another address, with the same store and key.
  std::unique_ptr<HubNode> make_hub(const IpAddress& address, const Tweak& tweak = {});
  void crash_hub() { hub_.reset(); }
  HubNode& hub() { return *hub_; }
  /// A new edge, known to the hub. `number` makes its address.
  EdgeNode& add_edge(const std::string& id, unsigned number, const Tweak& tweak = {});
  /// One more edge with an id and token that the hub knows already.
  EdgeNode& add_edge_with(const std::string& token, unsigned number, const Tweak& tweak = {});
  EdgeNode& edge() { return *edges_.front(); }
  void crash_edge(std::size_t index) { edges_.erase(edges_.begin() + static_cast<std::ptrdiff_t>(index)); }
  const std::string& token(const std::string& id) const { return tokens_.at(id); }
  /// On one port, to the same backend as "web".
  void add_service(const std::string& name, std::uint16_t port);
  /// What the hub says of a service's first ports at an edge: listening, failed, pending or offline.
  std::string_view state_of(std::string_view edge, std::string_view service) const;
  /// A hub with "web" and a connected edge; what most tests begin with.
  void start(const Tweak& hub = {}, const Tweak& edge = {});

  SimFlow& open(const FlowPlan& plan) { return open(edge(), kPort, plan); }
  SimFlow& open(EdgeNode& edge, std::uint16_t port, const FlowPlan& plan);
  const std::vector<std::unique_ptr<SimFlow>>& flows() const { return flows_; }

  bool run_until(const std::function<bool()>& condition, Duration limit);
  void run_for(Duration span);
  bool run_until_over(Duration limit);

  /// Every flow that is over has ended at both ends, and nothing of any flow is left in hub or edges.
  void expect_nothing_left();
  void expect_no_mistakes() const;
  /// At every worker what was received was sent, is held, or was dropped for a reason.
  void expect_balanced_books();

  static IpAddress hub_address() { return IpAddress::v4(0xc0000201); }      // 192.0.2.1
  static IpAddress backend_address() { return IpAddress::v4(0x0a000005); }  // 10.0.0.5
  static Endpoint hub_endpoint() { return {hub_address(), 8443}; }

  const std::uint64_t seed;
  SimEntropy entropy;
  SimClock clock;
  SimInternet internet;
  SimBackend backend;

 private:
  Config config(const Tweak& tweak) const;
  void watch();
  static std::string overdrawn(SimMachine& machine);

  const Carrier carrier_;
  std::optional<SimDatagramPath> tunnel_path_;
  SimDirectory state_;
  KeyAndCertificate key_;
  SimLoop client_loop_;
  std::map<std::string, std::string> tokens_;
  std::unique_ptr<HubNode> hub_;
  std::vector<std::unique_ptr<EdgeNode>> edges_;
  std::map<IpAddress, SimFlow*> flow_of_;
  std::vector<std::unique_ptr<SimFlow>> flows_;
  std::uint32_t clients_ = 0;
  std::string broken_;  // the first thing that watch() found
};

/// For the names of tests that run over both kinds.
inline std::string name_of(World::Carrier carrier) {
  return carrier == World::Carrier::kTls ? "OverTls" : "OverQuic";
}

}  // namespace penstock
