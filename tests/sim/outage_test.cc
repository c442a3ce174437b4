// Carriers that break, fall silent or come back.
#include "sim/world.h"

namespace penstock {
namespace {

constexpr FlowPlan kBulk{.client = {.send = 20'000'000}, .backend = {.send = 20'000'000}};

class OutageTest : public testing::TestWithParam<World::Carrier> {
 protected:
  OutageTest() {
    world.set_tunnel_path({.bytes_per_second = 12'500'000, .delay = 10ms},
                          {.delay = 10ms, .bytes_per_second = 12'500'000});
  }

  void cut_tunnel() {
    for (const auto& wire : world.internet.wires_to(World::hub_endpoint())) wire->cut();
  }
  bool run_until_connected(Duration limit) {
    return world.run_until([&] { return world.edge().edge().connected(); }, limit);
  }
  double seconds_since(Time then) const {
    return std::chrono::duration<double>(world.clock.now() - then).count();
  }

  World world{11, GetParam()};
};

/// What breaks a connection of TCP.
class WireOutageTest : public OutageTest {};

TEST_P(WireOutageTest, ResetsTheFlowsOfACarrierThatIsCutAndRedials) {
  world.start();
  for (int i = 0; i < 20; ++i) world.open(kBulk);
  ASSERT_TRUE(world.run_until(
      [&] {
        return std::all_of(world.flows().begin(), world.flows().end(), [](const auto& flow) {
          return flow->backend() != nullptr && flow->backend()->received() > 100'000 &&
                 flow->client()->received() > 100'000;
        });
      },
      10s));
  cut_tunnel();
  const Time cut = world.clock.now();
  ASSERT_TRUE(world.run_until_over(1s));
  for (const auto& flow : world.flows()) {
    EXPECT_TRUE(flow->client()->was_reset());
    EXPECT_TRUE(flow->backend()->was_reset());
  }
  world.expect_no_mistakes();
  EXPECT_EQ(world.edge().machine().count(PST_R_TUNNEL_LOST), 20U);
  EXPECT_EQ(world.edge().journal().count("stream_closed", "reason", "tunnel_lost"), 20U);
  EXPECT_EQ(world.hub().journal().count("stream_closed", "reason", "tunnel_lost"), 20U);
  EXPECT_EQ(world.edge().journal().last("tunnel_down").text("reason"), "peer_closed");
  EXPECT_EQ(world.hub().journal().last("edge_disconnected").text("reason"), "peer_closed");

  SimFlow& held = world.open(kSmallPlan);
  world.run_for(1ms);
  EXPECT_EQ(world.edge().edge().held(), 1U);
  ASSERT_TRUE(run_until_connected(5s));
  EXPECT_GE(seconds_since(cut), 0.5);  // the first delay is jittered over the upper half of a second
  EXPECT_LE(seconds_since(cut), 1.1);
  ASSERT_TRUE(world.run_until([&] { return held.completed(); }, 1s));
  world.expect_nothing_left();
}

TEST_P(OutageTest, HoldsNewConnectionsForTwoSecondsAndNoMoreThanItMay) {
  world.start({}, [](Config& config) { config.limits.held_connections = 3; });
  world.crash_hub();
  ASSERT_TRUE(world.run_until([&] { return !world.edge().edge().connected(); }, 1s));
  for (int i = 0; i < 5; ++i) world.open(kSmallPlan);
  world.run_for(1900ms);
  EXPECT_EQ(world.edge().edge().held(), 3U);
  EXPECT_EQ(world.edge().machine().count(PST_R_HOLD_FULL), 2U);
  EXPECT_TRUE(world.flows()[3]->was_reset());
  EXPECT_FALSE(world.flows()[2]->was_reset());
  ASSERT_TRUE(world.run_until_over(200ms));
  EXPECT_EQ(world.edge().machine().count(PST_R_TUNNEL_DOWN), 3U);
  EXPECT_EQ(world.edge().journal().count("stream_refused", "reason", "tunnel_down"), 3U);
  world.expect_nothing_left();
}

TEST_P(OutageTest, HoldsEveryConnectionForItsOwnTwoSeconds) {
  world.start();
  world.crash_hub();
  ASSERT_TRUE(world.run_until([&] { return !world.edge().edge().connected(); }, 1s));
  std::vector<Time> opened;
  for (int i = 0; i < 4; ++i) {
    opened.push_back(world.clock.now());
    world.open(kSmallPlan);
    world.run_for(400ms);
  }
  for (std::size_t i = 0; i < opened.size(); ++i) {
    ASSERT_TRUE(world.run_until([&] { return world.flows()[i]->over(); }, 3s));
    EXPECT_GE(world.clock.now() - opened[i], 2s);
    EXPECT_LE(world.clock.now() - opened[i], 2001ms);
  }
}

TEST_P(WireOutageTest, BacksOffToHalfAMinuteWhileTheHubIsAwayAndServesOnceItIsBack) {
  world.start();
  world.crash_hub();
  world.run_for(4min);
  std::vector<double> gaps;
  Time last{};
  for (const auto& event : world.edge().journal().events()) {
    if (event.name != "dial_failed" && event.name != "carrier_down") continue;
    if (last != Time{}) gaps.push_back(std::chrono::duration<double>(event.at - last).count());
    last = event.at;
  }
  ASSERT_GE(gaps.size(), 8U);
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double full = std::min(30.0, static_cast<double>(1U << std::min<std::size_t>(i, 5)));
    EXPECT_GE(gaps[i], full / 2) << i;
    EXPECT_LE(gaps[i], full + 0.1) << i;  // and the dial itself
  }
  world.start_hub();
  ASSERT_TRUE(run_until_connected(31s));
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().ports().open().contains(World::kPort); }, 1s));
  SimFlow& flow = world.open(kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return flow.completed(); }, 1s)) << flow.mistake();
  world.expect_nothing_left();
}

TEST_P(OutageTest, KeepsItsPortsWhileAHubRestartsWithTheSameStore) {
  world.start();
  world.add_service("other", 8080);
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().ports().open().contains(8080); }, 1s));
  world.crash_hub();
  world.run_for(100ms);
  world.start_hub();
  const SimFlow& held = world.open(world.edge(), 8080, kSmallPlan);
  ASSERT_TRUE(run_until_connected(3s));
  ASSERT_TRUE(world.run_until([&] { return held.completed(); }, 1s)) << held.mistake();
  EXPECT_EQ(world.edge().journal().count("ports_changed"),
            1U);  // the service that was added; the restart changed none
  EXPECT_EQ(world.hub().journal().count("edge_connected"), 1U);
  for (const PortState& port : world.hub().hub().ports()) EXPECT_EQ(port.state, "listening") << port.service;
  world.expect_nothing_left();
}

TEST_P(OutageTest, EndsTheFlowsOfAnEdgeThatCrashedAndLetsItComeBack) {
  world.start();
  SimFlow& flow = world.open(kBulk);
  ASSERT_TRUE(
      world.run_until([&] { return flow.backend() != nullptr && flow.backend()->received() > 10'000; }, 1s));
  world.crash_edge(0);
  ASSERT_TRUE(world.run_until([&] { return flow.backend()->gone(); }, 1s));
  EXPECT_TRUE(flow.backend()->was_reset());
  EXPECT_EQ(world.hub().journal().count("edge_disconnected", "reason", "peer_closed"), 1U);
  EXPECT_EQ(world.hub().machine().budget.granted(), 0U);
  world.add_edge_with(world.token("edge-1"), 1);
  ASSERT_TRUE(world.run_until([&] { return world.state_of("edge-1", "web") == "listening"; }, 1s));
  EXPECT_EQ(world.hub().journal().count("edge_contested"), 0U);
  SimFlow& after = world.open(kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return after.completed(); }, 1s)) << after.mistake();
}

TEST_P(WireOutageTest, GivesUpAPeerThatIsSilentForFifteenSeconds) {
  world.start();
  SimFlow& flow = world.open(kBulk);
  ASSERT_TRUE(
      world.run_until([&] { return flow.backend() != nullptr && flow.backend()->received() > 10'000; }, 1s));
  for (const auto& wire : world.internet.wires_to(World::hub_endpoint())) wire->stall(1h);
  world.internet.set_silent(World::hub_address(), true);
  const Time silent = world.clock.now();
  ASSERT_TRUE(world.run_until([&] { return flow.was_reset(); }, 20s));
  EXPECT_GE(seconds_since(silent), 14.9);
  EXPECT_LE(seconds_since(silent), 16.1);  // looked at once a second
  ASSERT_TRUE(
      world.run_until([&] { return !world.edge().edge().connected(); }, 10ms))  // and so clients are held
      << world.edge().journal().to_string();
  world.run_for(2s);
  world.internet.set_silent(World::hub_address(), false);
  ASSERT_TRUE(run_until_connected(15s));  // the dial that met silence is given ten seconds
  EXPECT_EQ(world.edge().journal().last("carrier_down").text("reason"), "peer_silent");
  EXPECT_EQ(world.hub().journal().count("carrier_down", "reason", "peer_silent"), 1U);
  SimFlow& after = world.open(kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return after.completed(); }, 1s));
  world.expect_nothing_left();
}

TEST_P(WireOutageTest, OutlivesAStallThatIsShorterThanTheTimeout) {
  world.start();
  SimFlow& flow = world.open({.client = {.send = 2'000'000}, .backend = {.send = 2'000'000}});
  for (int i = 0; i < 3; ++i) {
    world.run_for(50ms);
    for (const auto& wire : world.internet.wires_to(World::hub_endpoint())) wire->stall(13s);
    world.run_for(14s);
  }
  ASSERT_TRUE(world.run_until([&] { return flow.completed(); }, 10s)) << flow.mistake();
  EXPECT_EQ(world.edge().journal().count("carrier_down"), 0U);
  world.expect_nothing_left();
}

TEST_P(WireOutageTest, MeasuresTheRoundTripAndKeepsAnIdleCarrierAlive) {
  world.internet.set_path_to(World::hub_address(), {.delay = 40ms});
  world.start();
  world.run_for(10min);
  EXPECT_EQ(world.edge().carriers().front().report.rtt, Duration{80ms});
  EXPECT_EQ(world.hub().carrier().rtt, Duration{80ms});
  EXPECT_EQ(world.edge().journal().count("carrier_up"), 1U);
  EXPECT_EQ(world.edge().journal().count("carrier_down"), 0U);
  // Two sides, each asking when 5 s were silent: hardly more than one question and answer in 5 s.
  const CarrierReport report = world.edge().carriers().front().report;
  EXPECT_LT(report.sent, 2500U + 120 * 2 * 17);
}

INSTANTIATE_TEST_SUITE_P(Carriers, OutageTest, testing::Values(World::Carrier::kTls, World::Carrier::kQuic),
                         [](const auto& param) { return name_of(param.param); });
INSTANTIATE_TEST_SUITE_P(Carriers, WireOutageTest, testing::Values(World::Carrier::kTls),
                         [](const auto& param) { return name_of(param.param); });

}  // namespace
}  // namespace penstock
