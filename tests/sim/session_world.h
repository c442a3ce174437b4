// A world with a service of UDP: its clients, its backend, and what both nodes know of its sessions.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sim/sim_datagrams.h"
#include "sim/world.h"

namespace penstock {

inline constexpr std::uint16_t kPublic = 53;
inline constexpr std::uint16_t kTarget = 5353;
inline constexpr std::uint32_t kClients = 0xcb007100;  // 203.0.113.0

/// Clients and a backend of one service of UDP.
class SessionWorld {
 protected:
  explicit SessionWorld(World::Carrier carrier) : world{7, carrier} {}

  void start(const Tweak& hub = {}, const Tweak& edge = {}) {
    world.start(hub, edge);
    add_service({});
  }
  void add_service(const std::function<void(Service&)>& tweak) {
    Service service{.name = "game"};
    service.protocol = Protocol::kUdp;
    service.target = {.host = World::backend_address().to_string(), .port = kTarget};
    service.ports.add({kPublic, kPublic});
    if (tweak) tweak(service);
    world.hub().hub().add_service(service).value();
    ASSERT_TRUE(world.run_until([&] { return world.state_of("edge-1", "game") == "listening"; }, 5s));
    world.run_for(10ms);  // workers open what the edge has bound
  }
  SimDatagrams& client(unsigned number) {
    clients_.push_back(
        std::make_unique<SimDatagrams>(world.internet, Endpoint{IpAddress::v4(kClients + number), 4000}));
    return *clients_.back();
  }
  Endpoint public_end() { return {world.edge().address(), kPublic}; }

  template <class Role>
  static std::vector<SessionReport> sessions_of(Role& role) {
    std::vector<SessionReport> out;
    for (const auto& worker : role.workers()) {
      for (auto& session : worker->sessions().sessions({}, 1000).shown) out.push_back(std::move(session));
    }
    return out;
  }
  std::vector<SessionReport> at_edge() { return sessions_of(world.edge().edge()); }
  std::vector<SessionReport> at_hub() { return sessions_of(world.hub().hub()); }

  template <class Role>
  static LedgerRow books(Role& role, bool to_client) {
    LedgerRow sum;
    for (const auto& worker : role.workers()) {
      for (const LedgerRow& row : worker->ledger().rows()) {
        EXPECT_TRUE(row.balances()) << row.service << (to_client ? " to client" : " to backend");
        if (row.to_client == to_client && !row.flows) sum += row;
      }
    }
    return sum;
  }
  /// Every datagram that either node ever had is accounted for.
  void expect_balance() {
    world.expect_balanced_books();
    for (const bool to_client : {false, true}) {
      EXPECT_TRUE(books(world.edge().edge(), to_client).balances());
      EXPECT_TRUE(books(world.hub().hub(), to_client).balances());
    }
  }

  /// All carriers are gone; new ones find the way free again.
  void lose_carriers() {
    for (const auto& wire : world.internet.wires_to(World::hub_endpoint())) wire->cut();
    world.internet.set_silent(World::hub_address(), world.over_quic());
    ASSERT_TRUE(world.run_until([&] { return world.edge().edge().carriers_up() == 0; }, 20s));
    world.internet.set_silent(World::hub_address(), false);
  }

  World world;
  SimDatagrams backend{world.internet, {World::backend_address(), kTarget}};

 private:
  std::vector<std::unique_ptr<SimDatagrams>> clients_;
};

}  // namespace penstock
