// Flows over QUIC, on paths that lose, double, reorder, become narrow, and change their ends.
#include "sim/world.h"

namespace penstock {
namespace {

constexpr std::size_t kNarrow = 1280 - 20 - 8;     // payload of a packet of 1280 bytes
constexpr std::uint32_t kOutsideNat = 0xcb007100;  // 203.0.113.0, of an edge behind a NAT

SimDatagramPath lossy(double loss) {
  return {.delay = 10ms,
          .loss = loss,
          .duplication = 0.02,
          .reordering = 0.05,
          .held = 15ms,
          .bytes_per_second = 25'000'000};
}

class QuicFlowTest : public testing::Test {
 protected:
  void start(const SimDatagramPath& path, const Tweak& edge = {}) {
    world.set_tunnel_path(SimPath{}, path);
    world.start({}, edge);
  }
  void open_bulk(int flows, std::uint64_t bytes) {
    for (int i = 0; i < flows; ++i) world.open({.client = {.send = bytes}, .backend = {.send = bytes}});
  }
  bool run_until_moving(std::uint64_t bytes) {
    return world.run_until(
        [&] {
          return std::all_of(world.flows().begin(), world.flows().end(), [&](const auto& flow) {
            return flow->backend() != nullptr && flow->backend()->received() > bytes &&
                   flow->client()->received() > bytes;
          });
        },
        30s);
  }
  void expect_all_complete(Duration limit) {
    ASSERT_TRUE(world.run_until_over(limit)) << world.edge().journal().to_string();
    for (const auto& flow : world.flows()) EXPECT_TRUE(flow->completed()) << flow->mistake();
    world.expect_nothing_left();
  }
  /// One that is killed says nothing.
  void restart_hub_unheard() {
    world.internet.set_silent(world.edge().address(), true);
    world.crash_hub();
    world.internet.set_silent(world.edge().address(), false);
    world.start_hub();
  }
  QuicReport at_hub() { return world.hub().carrier().quic.value_or(QuicReport{}); }
  QuicReport at_edge() { return world.edge().carriers().front().report.quic.value_or(QuicReport{}); }

  World world{61, World::Carrier::kQuic};
};

class QuicLossTest : public QuicFlowTest, public testing::WithParamInterface<double> {};

TEST_P(QuicLossTest, BringsEveryByte) {
  start(lossy(GetParam()));
  SimRandom random{world.seed};
  for (int i = 0; i < 1000; ++i) {
    FlowPlan plan{.client = {.send = random.size(100'000)}, .backend = {.send = random.size(100'000)}};
    plan.client.after_end = random.chance(0.1);
    plan.backend.after_end = !plan.client.after_end && random.chance(0.3);
    world.open(plan);
    if (random.chance(0.3)) world.run_for(std::chrono::microseconds{random.between(0, 5000)});
  }
  expect_all_complete(120s);
  EXPECT_EQ(world.edge().journal().count("carrier_down"), 0U);
  EXPECT_GT(at_edge().lost_packets + at_hub().lost_packets, 0U);
}

TEST_P(QuicLossTest, CarriesResetsAndTheirReasons) {
  start(lossy(GetParam()));
  for (int i = 0; i < 60; ++i) {
    world.open({.client = {.send = 20'000, .finish = false}, .backend = {.send = 20'000, .finish = false}});
  }
  ASSERT_TRUE(run_until_moving(0));
  for (std::size_t i = 0; i < 60; ++i) {
    SimFlow& flow = *world.flows()[i];
    (i % 2 == 0 ? flow.client() : flow.backend())->reset();
    world.run_for(3ms);
  }
  ASSERT_TRUE(world.run_until_over(10s));
  world.expect_no_mistakes();
  for (const SimJournal* journal : {&world.edge().journal(), &world.hub().journal()}) {
    EXPECT_EQ(journal->count("stream_closed", "reason", "client_reset"), 30U);
    EXPECT_EQ(journal->count("stream_closed", "reason", "backend_reset"), 30U);
  }
  world.expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Losses, QuicLossTest, testing::Values(0.01, 0.03, 0.05), [](const auto& param) {
  return std::to_string(static_cast<int>(param.param * 100)) + "Percent";
});

TEST_F(QuicFlowTest, FindsTheLargestPacketsOfAPath) {
  SimDatagramPath path{.delay = 10ms, .bytes_per_second = 25'000'000};
  path.largest = 1400;
  start(path);
  open_bulk(3, 3'000'000);
  expect_all_complete(30s);
  EXPECT_GT(at_edge().packet_size, 1200U);
  EXPECT_LE(at_edge().packet_size, 1400U);
}

TEST_F(QuicFlowTest, OutlivesAPathThatBecomesNarrow) {
  start(lossy(0.01));
  open_bulk(5, 5'000'000);
  ASSERT_TRUE(run_until_moving(500'000));
  ASSERT_GT(at_edge().packet_size, kNarrow);
  SimDatagramPath narrow = lossy(0.01);
  narrow.largest = kNarrow;
  world.set_tunnel_path(world.edge().address(), narrow);
  expect_all_complete(60s);
  EXPECT_EQ(world.edge().journal().count("carrier_down"), 0U);
  EXPECT_EQ(at_edge().packet_size, 1200U);
  EXPECT_EQ(at_hub().packet_size, 1200U);
}

TEST_F(QuicFlowTest, OutlivesAnotherAddressOfTheEdge) {
  start(lossy(0.01));
  open_bulk(5, 5'000'000);
  for (std::uint32_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(run_until_moving(i * 500'000));
    world.internet.post().readdress(world.edge().address(), IpAddress::v4(kOutsideNat + i));
  }
  expect_all_complete(60s);
  EXPECT_EQ(world.edge().journal().count("carrier_down"), 0U);
  EXPECT_EQ(at_hub().migrations, 3U);
}

TEST_F(QuicFlowTest, EndsACarrierWhoseEdgeFellSilent) {
  start(lossy(0));
  open_bulk(3, 50'000'000);
  ASSERT_TRUE(run_until_moving(100'000));
  world.set_tunnel_path(world.edge().address(), {.loss = 1});
  const Time silent = world.clock.now();
  ASSERT_TRUE(world.run_until_over(20s));
  EXPECT_GE(world.clock.now() - silent, 14s);
  for (const auto& flow : world.flows()) {
    EXPECT_TRUE(flow->client()->was_reset());
    EXPECT_TRUE(flow->backend()->was_reset());
  }
  world.run_for(1s);
  EXPECT_EQ(world.hub().carriers(), 0U);
  world.set_tunnel_path(world.edge().address(), lossy(0));
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().connected(); }, 40s));
  SimFlow& after = world.open({.client = {.send = 1000}, .backend = {.send = 1000}});
  EXPECT_TRUE(world.run_until([&] { return after.completed(); }, 5s)) << after.mistake();
  world.expect_nothing_left();
}

TEST_F(QuicFlowTest, ServesAFlowWithinThreeRoundTripsOfTheDialAfterARestartOfTheHub) {
  constexpr Duration kWay = 50ms;
  start({.delay = kWay});
  world.run_for(2s);
  restart_hub_unheard();
  SimFlow& lost = world.open({.client = {.send = 1000}, .backend = {.send = 1000}});
  ASSERT_TRUE(world.run_until([&] { return !world.edge().edge().connected(); }, 1s));
  const Time dialled = world.clock.now();
  SimFlow& first = world.open({.client = {.send = 1000}, .backend = {.send = 1000}});
  ASSERT_TRUE(world.run_until([&] { return first.completed(); }, 5s)) << first.mistake();
  EXPECT_LE(world.clock.now() - (dialled + kWay), 3 * 2 * kWay) << world.edge().journal().to_string();
  EXPECT_TRUE(lost.client()->was_reset());
  EXPECT_EQ(world.edge().journal().last("carrier_down").text("reason"), "peer_closed");
  world.run_for(1s);
  world.expect_nothing_left();
}

TEST_F(QuicFlowTest, DialsAHubThatStartsAnewAgainAndAgainLessOften) {
  start({.delay = 50ms});
  world.run_for(2s);
  for (std::size_t restarts = 1; restarts <= 2; ++restarts) {
    restart_hub_unheard();
    world.open({.client = {.send = 1000}, .backend = {.send = 1000}});
    ASSERT_TRUE(world.run_until([&] { return !world.edge().edge().connected(); }, 1s));
    const Time down = world.clock.now();
    ASSERT_TRUE(world.run_until([&] { return world.edge().edge().connected(); }, 5s));
    const Duration took = world.clock.now() - down;
    EXPECT_TRUE(restarts == 1 ? took < 300ms : took > 500ms) << restarts;
  }
}

TEST_F(QuicFlowTest, LetsEitherDirectionEndLongBeforeTheOther) {
  start(lossy(0.02));
  SimFlow& upload = world.open({.client = {.send = 2'000'000}, .backend = {.send = 0}});
  SimFlow& download = world.open({.client = {.send = 0}, .backend = {.send = 2'000'000}});
  SimFlow& answer = world.open({.client = {.send = 50'000}, .backend = {.send = 500'000, .after_end = true}});
  SimFlow& question =
      world.open({.client = {.send = 500'000, .after_end = true}, .backend = {.send = 50'000}});
  ASSERT_TRUE(
      world.run_until([&] { return upload.client() != nullptr && upload.client()->other_ended(); }, 5s));
  ASSERT_TRUE(world.run_until(
      [&] { return download.backend() != nullptr && download.backend()->other_ended(); }, 5s));
  EXPECT_FALSE(upload.completed());
  expect_all_complete(30s);
  EXPECT_TRUE(answer.completed() && question.completed());
}

/// Once an address has answered, the others are left alone.
TEST_F(QuicFlowTest, KeepsTheCarrierThatIsUpWhereTheHubHasMoreAddresses) {
  world.internet.set_name("hub.test", {World::hub_address(), IpAddress::v4(0xc0000263)});
  world.set_tunnel_path(SimPath{}, lossy(0));
  world.start(
      [](Config& config) { config.hub->public_address = HostPort{.host = "hub.test", .port = 8443}; });
  world.run_for(30s);
  EXPECT_EQ(world.edge().journal().count("carrier_up"), 1U);
  EXPECT_EQ(world.edge().journal().count("carrier_down"), 0U);
  EXPECT_TRUE(world.edge().edge().connected());
}

TEST_F(QuicFlowTest, TriesTheHubsOtherAddressesWhileOneIsSilent) {
  const IpAddress silent = IpAddress::v4(0xc0000263);
  world.internet.set_silent(silent, true);
  world.internet.set_name("hub.test", {silent, World::hub_address()});
  world.set_tunnel_path(SimPath{}, lossy(0));
  world.start(
      [](Config& config) { config.hub->public_address = HostPort{.host = "hub.test", .port = 8443}; });
  EXPECT_EQ(world.edge().journal().count("dial_failed"), 0U);
  SimFlow& flow = world.open({.client = {.send = 100'000}, .backend = {.send = 100'000}});
  EXPECT_TRUE(world.run_until([&] { return flow.completed(); }, 5s)) << flow.mistake();
}

TEST_F(QuicFlowTest, FallsBackToTlsWhereUdpIsBlockedAndComesBack) {
  SimDatagramPath blocked;
  blocked.loss = 1;
  start(blocked, [](Config& config) { config.edge->carrier = World::Carrier::kQuicWithFallback; });
  EXPECT_FALSE(world.edge().carriers().front().report.quic);
  SimFlow& flow = world.open({.client = {.send = 1'000'000}, .backend = {.send = 1'000'000}});
  ASSERT_TRUE(world.run_until([&] { return flow.completed(); }, 5s)) << flow.mistake();
  world.set_tunnel_path(world.edge().address(), lossy(0));
  ASSERT_TRUE(world.run_until([&] { return world.edge().carriers().front().report.quic.has_value(); }, 90s));
  SimFlow& after = world.open({.client = {.send = 1'000'000}, .backend = {.send = 1'000'000}});
  ASSERT_TRUE(world.run_until([&] { return after.completed(); }, 5s)) << after.mistake();
  world.run_for(5s);
  world.expect_nothing_left();
}

}  // namespace
}  // namespace penstock
