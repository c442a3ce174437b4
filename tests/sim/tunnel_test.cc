// Which carriers make up a tunnel, and what becomes of those that are replaced, refused or sent away.
#include <gmock/gmock.h>

#include "sim/world.h"

namespace penstock {
namespace {

using testing::ElementsAre;

class TunnelTest : public testing::Test {
 protected:
  double seconds(Time at) const { return std::chrono::duration<double>(at - begin).count(); }
  /// When events of that name were written down, in seconds.
  std::vector<double> times(const SimJournal& journal, std::string_view name) const {
    std::vector<double> out;
    for (const auto& event : journal.events()) {
      if (event.name == name) out.push_back(seconds(event.at));
    }
    return out;
  }
  bool run_until_moving(Duration limit) {
    return world.run_until(
        [&] {
          return std::all_of(world.flows().begin(), world.flows().end(), [](const auto& flow) {
            return flow->client() != nullptr && flow->client()->received() > 0;
          });
        },
        limit);
  }

  World world{21};
  Time begin = world.clock.now();
};

TEST_F(TunnelTest, ReplacesAnotherInstanceWhichRedialsAfterHalfAMinute) {
  world.start();
  SimFlow& flow = world.open(kOpenEndedPlan);
  ASSERT_TRUE(run_until_moving(1s));
  EdgeNode& second = world.add_edge_with(world.token("edge-1"), 2);
  ASSERT_TRUE(world.run_until([&] { return second.edge().connected(); }, 1s));
  const Time replaced = world.clock.now();
  ASSERT_TRUE(world.run_until([&] { return flow.over(); }, 1s));
  EXPECT_TRUE(flow.was_reset());
  EXPECT_EQ(world.edge().journal().last("tunnel_down").text("reason"), "replaced");
  ASSERT_TRUE(world.run_until(
      [&] { return world.hub().journal().count("carrier_down", "reason", "replaced") == 1; }, 1s));
  EXPECT_EQ(world.hub().journal().count("edge_contested"), 0U);

  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().connected(); }, 40s));
  const double waited = std::chrono::duration<double>(world.clock.now() - replaced).count();
  EXPECT_GE(waited, 30.5);  // what the hub asked for, and the first back-off
  EXPECT_LE(waited, 31.1);
  world.run_for(1s);
  EXPECT_FALSE(second.edge().connected());
}

TEST_F(TunnelTest, SaysSoWhenTwoInstancesContestAnEdge) {
  world.start();
  world.add_edge_with(world.token("edge-1"), 2);
  world.run_for(5min);
  // One replaces the other every 31 s or so; from the third time within ten minutes on it is news.
  const auto downs = world.hub().journal().count("carrier_down", "reason", "replaced");
  EXPECT_GE(downs, 9U);
  EXPECT_LE(downs, 10U);
  EXPECT_EQ(world.hub().journal().count("edge_contested"), downs - 2);
  EXPECT_EQ(world.hub().hub().tunnels().connected(), 1U);
  EXPECT_EQ(world.hub().carriers(), 1U);
  EXPECT_EQ(world.hub().journal().last("edge_contested").text("edge"), "edge-1");
}

TEST_F(TunnelTest, LetsASecondEdgeOfAnotherNameAlone) {
  world.start();
  EdgeNode& second = world.add_edge("edge-2", 2);
  ASSERT_TRUE(world.run_until([&] { return second.edge().ports().open().contains(World::kPort); }, 1s));
  for (int i = 0; i < 50; ++i) {
    world.open(world.edge(), World::kPort, kSmallPlan);
    world.open(second, World::kPort, kSmallPlan);
  }
  ASSERT_TRUE(world.run_until_over(5s));
  for (const auto& flow : world.flows()) EXPECT_TRUE(flow->completed()) << flow->mistake();
  EXPECT_EQ(world.edge().machine().count(PST_R_COMPLETED), 50U);
  EXPECT_EQ(second.machine().count(PST_R_COMPLETED), 50U);
  EXPECT_EQ(world.hub().hub().tunnels().connected(), 2U);
  world.expect_nothing_left();
}

TEST_F(TunnelTest, TakesACarrierBackThatTheHubStillBelievedIn) {
  world.start();
  SimFlow& flow = world.open(kOpenEndedPlan);
  ASSERT_TRUE(run_until_moving(1s));
  world.internet.wires_to(World::hub_endpoint())
      .front()
      ->lose(SimWire::kDialler);  // the edge knows, the hub does not
  ASSERT_TRUE(world.run_until([&] { return flow.was_reset(); }, 1s));
  EXPECT_FALSE(flow.backend()->gone());
  ASSERT_TRUE(
      world.run_until([&] { return flow.backend()->gone(); }, 5s));  // the hub learns it from the new carrier
  EXPECT_TRUE(flow.backend()->was_reset());
  world.run_for(2s);
  EXPECT_TRUE(world.edge().edge().connected());
  EXPECT_EQ(world.hub().carriers(), 1U);
  EXPECT_EQ(world.hub().journal().last("carrier_down").text("reason"), "replaced");
  EXPECT_EQ(world.hub().journal().count("edge_disconnected"), 0U);
  EXPECT_EQ(world.hub().journal().count("edge_contested"), 0U);
  SimFlow& after = world.open(kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return after.completed(); }, 1s));
  world.expect_nothing_left();
}

TEST_F(TunnelTest, SpreadsFlowsOverCarriersAndLosesOnlyThoseOfTheOneThatIsCut) {
  world.internet.set_path_to(World::hub_address(), {.bytes_per_second = 12'500'000, .delay = 5ms});
  world.start({}, [](Config& config) { config.edge->carriers = 4; });
  for (int i = 0; i < 200; ++i) world.open({.client = {.send = 100'000}, .backend = {.send = 100'000}});
  ASSERT_TRUE(run_until_moving(10s));
  std::map<std::uint32_t, std::size_t> carried;
  for (const EdgeFlowSummary& flow : world.edge().flows()) ++carried[flow.carrier];
  ASSERT_EQ(carried.size(), 4U);
  for (const auto& [carrier, count] : carried) EXPECT_EQ(count, 50U) << carrier;

  world.internet.wires_to(World::hub_endpoint()).front()->cut();
  ASSERT_TRUE(world.run_until_over(20s));
  std::size_t resets = 0;
  for (const auto& flow : world.flows()) {
    resets += flow->was_reset() ? 1 : 0;
    EXPECT_TRUE(flow->completed() || flow->was_reset());
  }
  EXPECT_EQ(resets, 50U);
  world.expect_no_mistakes();
  EXPECT_EQ(world.edge().journal().count("tunnel_down"), 0U);
  EXPECT_EQ(world.hub().journal().count("edge_disconnected"), 0U);
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().carriers_up() == 4; }, 5s));
  world.expect_nothing_left();
}

TEST_F(TunnelTest, DialsNoMoreCarriersThanATunnelMayHave) {
  world.start_hub([](Config& config) { config.limits.carriers_per_tunnel = 2; });
  EdgeNode& edge = world.add_edge("edge-1", 1, [](Config& config) { config.edge->carriers = 3; });
  world.run_for(10s);
  EXPECT_EQ(edge.edge().carriers_up(), 2U);
  EXPECT_EQ(world.hub().carriers(), 2U);
  EXPECT_EQ(edge.edge().carriers_wanted(), 2U);
  EXPECT_EQ(edge.journal().count("carrier_down"), 0U);
  EXPECT_EQ(edge.journal().count("tunnel_down"), 0U);
  for (int i = 0; i < 100; ++i) world.open(kSmallPlan);
  ASSERT_TRUE(world.run_until_over(5s));
  for (const auto& flow : world.flows()) EXPECT_TRUE(flow->completed()) << flow->mistake();
  world.expect_nothing_left();
}

TEST_F(TunnelTest, MovesToAnotherHubWhenItsOwnDrainsWhileOldFlowsFinish) {
  const IpAddress other = IpAddress::v4(0xc0000202);
  const Tweak by_name = [](Config& config) {
    config.hub->public_address = HostPort{.host = "hub.test", .port = 8443};
  };
  world.internet.set_name("hub.test", {World::hub_address()});
  world.start(by_name);
  SimFlow& old =
      world.open({.client = {.send = 500'000, .take = 1000, .pause = 10ms}, .backend = {.send = 500'000}});
  ASSERT_TRUE(run_until_moving(1s));
  const auto second = world.make_hub(other);
  world.internet.set_name("hub.test", {other});
  world.hub().hub().drain();
  ASSERT_TRUE(world.run_until([&] { return second->hub().tunnels().connected() == 1; }, 5s));
  EXPECT_EQ(world.edge().journal().last("carrier_down").text("reason"), "draining");
  EXPECT_FALSE(old.over());
  SimFlow& fresh = world.open(kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return fresh.completed(); }, 1s)) << fresh.mistake();
  EXPECT_EQ(second->machine().count(PST_R_COMPLETED), 1U);
  ASSERT_TRUE(world.run_until([&] { return old.completed(); }, 20s)) << old.mistake();

  bool stopped = false;
  world.hub().hub().stop([&] { stopped = true; });
  ASSERT_TRUE(world.run_until([&] { return stopped; }, 1s));
  world.run_for(1s);
  EXPECT_TRUE(world.edge().edge().connected());
  EXPECT_EQ(world.edge().carriers().size(), 1U);
  world.expect_nothing_left();
}

TEST_F(TunnelTest, SaysGoodbyeWhenAnEdgeStops) {
  world.start({}, [](Config& config) { config.edge->carriers = 2; });
  SimFlow& flow = world.open(kOpenEndedPlan);
  ASSERT_TRUE(run_until_moving(1s));
  bool stopped = false;
  const Time asked = world.clock.now();
  world.edge().edge().stop([&] { stopped = true; });
  ASSERT_TRUE(world.run_until([&] { return stopped; }, 2s));
  EXPECT_LT(world.clock.now() - asked, 100ms);
  ASSERT_TRUE(world.run_until([&] { return flow.over(); }, 100ms));
  EXPECT_TRUE(flow.was_reset());
  EXPECT_EQ(world.hub().journal().count("edge_going_away", "reason", "shutdown"), 2U);
  EXPECT_EQ(world.hub().hub().tunnels().connected(), 0U);
  EXPECT_EQ(world.hub().carriers(), 0U);
  world.expect_nothing_left();
}

TEST_F(TunnelTest, StopsAtOnceWhenItHasNoTunnel) {
  world.start();
  world.crash_hub();
  world.run_for(10s);
  bool stopped = false;
  world.edge().edge().stop([&] { stopped = true; });
  EXPECT_TRUE(world.run_until([&] { return stopped; }, 100ms));
}

TEST_F(TunnelTest, SaysGoodbyeWhenAHubStops) {
  world.start();
  bool stopped = false;
  world.hub().hub().stop([&] { stopped = true; });
  ASSERT_TRUE(world.run_until([&] { return stopped; }, 100ms));
  EXPECT_EQ(world.edge().journal().last("carrier_down").text("reason"), "shutdown");
  EXPECT_FALSE(world.internet.listens(World::hub_endpoint()));
}

TEST_F(TunnelTest, ClosesTheCarriersOfARemovedEdgeAndRefusesItByName) {
  world.start();
  SimFlow& flow = world.open(kOpenEndedPlan);
  ASSERT_TRUE(run_until_moving(1s));
  ASSERT_TRUE(world.hub().hub().remove_edge("edge-1"));
  ASSERT_TRUE(world.run_until([&] { return flow.over(); }, 1s));
  world.run_for(10s);
  EXPECT_FALSE(world.edge().edge().connected());
  EXPECT_EQ(world.edge().journal().last("carrier_down").text("reason"), "edge_removed");
  EXPECT_EQ(world.edge().journal().last("dial_failed").text("reason"), "auth_failed");
  EXPECT_GE(world.hub().journal().count("auth_failed"), 2U);
  world.expect_nothing_left();
}

TEST_F(TunnelTest, TellsAnEdgeThatFailsTooOftenToWait) {
  world.start_hub([](Config& config) { config.limits.auth_failures_per_minute = 3; });
  Token forged = decode_token(world.hub().hub().add_edge("edge-1", {}, {}).value()).value();
  forged.secret = "not-the-secret-of-this-edge";
  EdgeNode& edge = world.add_edge_with(encode_token(forged), 1);
  world.run_for(30s);
  EXPECT_EQ(world.hub().journal().count("auth_failed"), 3U);
  EXPECT_EQ(edge.journal().count("dial_failed", "reason", "auth_failed"), 3U);
  EXPECT_GE(edge.journal().count("dial_failed", "reason", "auth_rate"), 1U);
  EXPECT_EQ(world.hub().machine().count(PST_R_AUTH_FAILED), 3U);
}

TEST_F(TunnelTest, AcceptsTheOldSecretUntilTheNewOneIsUsed) {
  world.start();
  const std::string rotated = world.hub().hub().rotate_edge("edge-1", {}).value();
  for (const auto& wire : world.internet.wires_to(World::hub_endpoint())) wire->cut();
  world.run_for(5s);
  EXPECT_TRUE(world.edge().edge().connected());  // with the old one
  EdgeNode& renewed = world.add_edge_with(rotated, 2);
  ASSERT_TRUE(world.run_until([&] { return renewed.edge().connected(); }, 1s));
  world.run_for(40s);
  EXPECT_FALSE(world.edge().edge().connected());
  EXPECT_EQ(world.edge().journal().last("dial_failed").text("reason"), "auth_failed");
}

TEST_F(TunnelTest, TriesAllAddressesOfTheHubWithinOneAttempt) {
  const IpAddress silent = IpAddress::v4(0xc0000263);
  const IpAddress refusing = IpAddress::v4(0xc0000264);
  world.internet.set_silent(silent, true);
  world.internet.set_name("hub.test", {refusing, silent, World::hub_address()});
  world.start_hub(
      [](Config& config) { config.hub->public_address = HostPort{.host = "hub.test", .port = 8443}; });
  EdgeNode& edge = world.add_edge("edge-1", 1);
  EXPECT_TRUE(world.run_until([&] { return edge.edge().connected(); }, 10s));
  EXPECT_EQ(edge.journal().count("dial_failed"), 0U);
}

TEST_F(TunnelTest, ResolvesTheHubsNameAnewForEveryAttempt) {
  world.start_hub(
      [](Config& config) { config.hub->public_address = HostPort{.host = "hub.test", .port = 8443}; });
  EdgeNode& edge = world.add_edge("edge-1", 1);
  world.run_for(100ms);
  EXPECT_THAT(edge.journal().last("dial_failed").text("error"),
              testing::HasSubstr("cannot resolve hub.test"));
  world.internet.set_name("hub.test", {World::hub_address()});
  EXPECT_TRUE(world.run_until([&] { return edge.edge().connected(); }, 2s));
}

TEST_F(TunnelTest, WorksOverTlsInTruth) {
  world.internet.set_tls(true);
  world.internet.set_path_to(World::hub_address(),
                             {.bytes_per_second = 125'000'000, .delay = 2ms, .pieces = 20000});
  world.start();
  for (int i = 0; i < 50; ++i) world.open({.client = {.send = 300'000}, .backend = {.send = 300'000}});
  ASSERT_TRUE(world.run_until_over(30s));
  for (const auto& flow : world.flows()) EXPECT_TRUE(flow->completed()) << flow->mistake();
  EXPECT_EQ(world.edge().carriers().front().cipher, "TLS_AES_128_GCM_SHA256");
  world.expect_nothing_left();
}

}  // namespace
}  // namespace penstock
