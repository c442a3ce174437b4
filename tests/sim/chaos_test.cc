// Everything at once, at random: flows, cuts, stalls, resets, changed services, hubs that stop and come back.
#include "sim/world.h"

namespace penstock {
namespace {

constexpr std::uint16_t kOther = 8080;
constexpr std::uint32_t kOutside = 0xcb007100;  // 203.0.113.0, of the edge behind a NAT
constexpr SimDatagramPath kDatagrams{.delay = 8ms,
                                     .loss = 0.01,
                                     .duplication = 0.01,
                                     .reordering = 0.05,
                                     .held = 20ms,
                                     .bytes_per_second = 20'000'000};

class ChaosTest : public testing::TestWithParam<std::tuple<std::uint64_t, World::Carrier>> {
 protected:
  ChaosTest() {
    world.internet.set_path({.send_buffer = 20'000, .receive_buffer = 40'000, .pieces = 9000});
    world.set_tunnel_path({.bytes_per_second = 20'000'000,
                           .delay = 8ms,
                           .send_buffer = 200'000,
                           .receive_buffer = 400'000,
                           .pieces = 50'000,
                           .stall_chance = 0.001,
                           .stall = 500ms},
                          kDatagrams);
    world.start(small, [](Config& config) {
      small(config);
      config.edge->carriers = 3;
    });
    world.add_service("other", kOther);
  }

  static void small(Config& config) {
    config.limits.flows = 120;
    config.limits.window_budget = 4U << 20;
    config.limits.held_connections = 10;
  }
  FlowPlan plan() {
    FlowPlan plan{.client = {.send = random.size(300'000)}, .backend = {.send = random.size(300'000)}};
    if (random.chance(0.2)) plan.backend.after_end = true;
    if (random.chance(0.1)) plan.client.pause = std::chrono::milliseconds{random.between(1, 20)};
    if (random.chance(0.1)) plan.backend.pause = std::chrono::milliseconds{random.between(1, 20)};
    return plan;
  }
  std::shared_ptr<SimWire> some_wire() {
    const auto wires = world.internet.wires_to(World::hub_endpoint());
    return wires.empty() ? nullptr : wires[random.between(0, wires.size() - 1)];
  }
  SimFlow* some_flow() {
    return world.flows().empty() ? nullptr : world.flows()[random.between(0, world.flows().size() - 1)].get();
  }
  void restart_hub() {
    bool stopped = false;
    world.hub().hub().stop([&] { stopped = true; });
    ASSERT_TRUE(world.run_until([&] { return stopped; }, 2s));
    world.crash_hub();
    world.run_for(std::chrono::milliseconds{random.between(0, 4000)});
    world.start_hub(small);
  }

  void open_flows() {
    for (std::uint64_t i = random.between(1, 8); i > 0; --i) {
      world.open(world.edge(), random.chance(0.5) ? World::kPort : kOther, plan());
    }
  }
  void disturb_path() {
    if (world.over_quic()) return disturb_datagrams();
    const auto wire = some_wire();
    if (wire == nullptr) return;
    if (random.chance(0.4)) return wire->cut();
    if (random.chance(0.3)) return wire->lose(random.chance(0.5) ? SimWire::kDialler : SimWire::kListener);
    wire->stall(std::chrono::milliseconds{random.size(20'000)});
  }
  /// Silence, another MTU, another address of the edge, or none of them any more.
  void disturb_datagrams() {
    SimDatagramPath path = kDatagrams;
    if (random.chance(0.3)) path.loss = random.chance(0.3) ? 1 : 0.05;
    if (random.chance(0.3)) path.largest = random.between(1200, 1452);
    world.set_tunnel_path(world.edge().address(), path);
    if (random.chance(0.3))
      world.internet.post().readdress(world.edge().address(), IpAddress::v4(kOutside + ++addresses_));
  }
  void reset_a_flow() {
    SimFlow* const flow = some_flow();
    if (flow == nullptr) return;
    SimPeer* const end = random.chance(0.5) ? flow->client() : flow->backend();
    if (end != nullptr && !end->gone()) end->reset();
  }
  void change_services() {
    Hub& hub = world.hub().hub();
    if (random.chance(0.3)) return world.internet.set_silent(World::backend_address(), random.chance(0.3));
    if (hub.services().find("other") == nullptr) return world.add_service("other", kOther);
    if (random.chance(0.5)) {
      hub.remove_service("other").value();
    } else {
      hub.drain_service("other", random.chance(0.5)).value();
    }
  }
  void act() {
    const std::uint64_t dice = random.between(1, 100);
    if (dice <= 80) return open_flows();
    if (dice <= 88) return reset_a_flow();
    if (dice <= 93) return disturb_path();
    if (dice <= 98) return change_services();
    restart_hub();
  }

  World world{std::get<0>(GetParam()), std::get<1>(GetParam())};
  SimRandom random{world.seed};
  std::uint32_t addresses_ = 0;
};

TEST_P(ChaosTest, LosesNoByteWithoutAReset) {
  for (int i = 0; i < 400; ++i) {
    ASSERT_NO_FATAL_FAILURE(act());
    if (random.chance(0.7)) world.run_for(std::chrono::milliseconds{random.size(1500)});
  }
  world.internet.set_silent(World::backend_address(), false);
  world.set_tunnel_path(world.edge().address(), kDatagrams);
  EXPECT_TRUE(world.run_until_over(5min)) << "seed " << world.seed;
  world.run_for(20s);  // carriers that only one end knows to be lost
  world.expect_no_mistakes();
  std::size_t completed = 0;
  for (const auto& flow : world.flows()) {
    completed += flow->completed() ? 1 : 0;
    const bool reset = flow->was_reset() || (flow->client() != nullptr && flow->client()->gone());
    EXPECT_TRUE(flow->completed() || reset) << "seed " << world.seed;
  }
  EXPECT_GT(completed, 50U) << "seed " << world.seed;
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().carriers_up() == 3; }, 2min))
      << "seed " << world.seed;
  world.expect_nothing_left();
  SimFlow& after = world.open({.client = {.send = 1000}, .backend = {.send = 1000}});
  EXPECT_TRUE(world.run_until([&] { return after.completed(); }, 5s))
      << after.mistake() << " seed " << world.seed;
}

INSTANTIATE_TEST_SUITE_P(OverTls, ChaosTest,
                         testing::Combine(testing::Range(std::uint64_t{1}, std::uint64_t{21}),
                                          testing::Values(World::Carrier::kTls)));
INSTANTIATE_TEST_SUITE_P(OverQuic, ChaosTest,
                         testing::Combine(testing::Range(std::uint64_t{1}, std::uint64_t{11}),
                                          testing::Values(World::Carrier::kQuic)));

}  // namespace
}  // namespace penstock
