// Windows and the memory behind them: nobody holds more than was granted, nobody waits for a slow neighbour.
#include "sim/world.h"

namespace penstock {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;

/// The most that a node had granted at any moment while the world ran.
class Highest {
 public:
  explicit Highest(const SimMachine& machine) : machine_{machine} {}
  void look() { most_ = std::max(most_, machine_.budget.granted()); }
  std::uint64_t most() const { return most_; }

 private:
  const SimMachine& machine_;
  std::uint64_t most_ = 0;
};

class WindowTest : public testing::TestWithParam<World::Carrier> {};
/// Of what frames alone have: refusals and windows of the carrier's own making.
class FrameWindowTest : public WindowTest {};

TEST_P(WindowTest, LetsAConsumerThatNeverReadsHoldNoMoreThanItsFirstWindow) {
  World world{41, GetParam()};
  world.start();
  SimFlow& stuck = world.open({.client = {.send = 50 * kMiB}, .backend = {.send = 0, .reads = false}});
  SimFlow& deaf = world.open({.client = {.send = 0, .reads = false}, .backend = {.send = 50 * kMiB}});
  world.run_for(10s);
  // What the backend's own connection takes before it blocks was consumed, and may have earned a larger
  // window.
  const std::uint64_t taken = world.internet.path_to(World::backend_address()).send_buffer * 2;
  const std::uint64_t window = wire::kInitialCredit + 4 * taken;
  const std::uint64_t on_the_way = 2 * 65536;  // in the client's connection
  EXPECT_LE(stuck.client()->sent(), taken + window + on_the_way);
  EXPECT_LE(deaf.backend()->sent(), taken + window + on_the_way);
  EXPECT_LE(world.hub().machine().budget.granted(), 2 * window);
  EXPECT_LE(world.edge().machine().budget.granted(), 2 * window);

  SimFlow& bulk = world.open({.client = {.send = 20 * kMiB}, .backend = {.send = 20 * kMiB}});
  ASSERT_TRUE(world.run_until([&] { return bulk.completed(); }, 10s)) << bulk.mistake();
  stuck.backend()->read_freely();
  deaf.client()->read_freely();
  ASSERT_TRUE(world.run_until([&] { return stuck.completed() && deaf.completed(); }, 10s)) << stuck.mistake();
  world.expect_nothing_left();
}

TEST_P(WindowTest, DoesNotLetSlowConsumersStopOthers) {
  World world{42, GetParam()};
  world.set_tunnel_path({.bytes_per_second = 12'500'000, .delay = 5ms},
                        {.delay = 5ms, .bytes_per_second = 12'500'000});
  world.start();
  for (int i = 0; i < 20; ++i) {
    world.open({.client = {.send = 1'000'000}, .backend = {.send = 1000, .take = 1000, .pause = 10ms}});
  }
  world.run_for(1s);
  SimFlow& fast = world.open({.client = {.send = 5'000'000}, .backend = {.send = 5'000'000}});
  ASSERT_TRUE(world.run_until([&] { return fast.completed(); }, 5s)) << fast.mistake();
  EXPECT_FALSE(world.flows().front()->over());
  ASSERT_TRUE(world.run_until_over(30s));
  for (const auto& flow : world.flows()) EXPECT_TRUE(flow->completed()) << flow->mistake();
  world.expect_nothing_left();
}

TEST_P(WindowTest, CarriesThirtyTwoFlowsWithinABudgetOfOneMebibyte) {
  const Tweak small = [](Config& config) {
    config.limits.flows = 32;
    config.limits.window_budget = kMiB;
  };
  World world{43, GetParam()};
  world.internet.set_path({.send_buffer = 16384, .receive_buffer = 16384, .pieces = 5000});
  world.set_tunnel_path({.bytes_per_second = 125'000'000, .delay = 10ms},
                        {.delay = 10ms, .bytes_per_second = 125'000'000});
  world.start(small, small);
  for (int i = 0; i < 32; ++i) world.open({.client = {.send = 2'000'000}, .backend = {.send = 2'000'000}});
  Highest hub{world.hub().machine()};
  Highest edge{world.edge().machine()};
  ASSERT_TRUE(world.run_until(
      [&] {
        hub.look();
        edge.look();
        return std::all_of(world.flows().begin(), world.flows().end(),
                           [](const auto& flow) { return flow->over(); });
      },
      60s));
  for (const auto& flow : world.flows()) EXPECT_TRUE(flow->completed()) << flow->mistake();
  EXPECT_LE(hub.most(), kMiB);
  EXPECT_LE(edge.most(), kMiB);
  EXPECT_GT(hub.most(),
            32 * wire::kInitialCredit);  // and what was left beside the first credits was put to use
  EXPECT_GT(edge.most(), 32 * wire::kInitialCredit);
  world.expect_nothing_left();
}

TEST_P(FrameWindowTest, RefusesTheStreamForWhichNoCreditIsSetAside) {
  World world{44, GetParam()};
  world.start([](Config& config) {
    config.limits.flows = 4;
    config.limits.window_budget = 4 * wire::kInitialCredit;
  });
  for (int i = 0; i < 5; ++i) {
    world.open({.client = {.send = 1000, .finish = false}, .backend = {.send = 1000, .finish = false}});
    world.run_for(10ms);
  }
  EXPECT_EQ(world.hub().flows(), 4U);
  EXPECT_TRUE(world.flows().back()->was_reset());
  EXPECT_EQ(world.edge().journal().last("stream_closed").text("reason"), "window_budget");
  EXPECT_EQ(world.hub().machine().count(PST_R_WINDOW_BUDGET), 1U);
  world.flows().front()->client()->reset();
  world.run_for(10ms);
  SimFlow& next = world.open({.client = {.send = 100'000}, .backend = {.send = 100'000}});
  EXPECT_TRUE(world.run_until([&] { return next.completed(); }, 5s)) << next.mistake();
}

TEST_P(FrameWindowTest, FillsALongFatPathAfterAFewRoundTrips) {
  World world{45, GetParam()};
  const SimPath fat{
      .bytes_per_second = 125'000'000, .delay = 25ms, .send_buffer = 4 * kMiB, .receive_buffer = 16 * kMiB};
  world.set_tunnel_path(fat, {.delay = fat.delay, .bytes_per_second = fat.bytes_per_second});
  world.internet.set_path({.send_buffer = kMiB, .receive_buffer = kMiB});
  world.start();
  SimFlow& up = world.open({.client = {.send = 125'000'000}, .backend = {.send = 0}});
  const Time begin = world.clock.now();
  ASSERT_TRUE(world.run_until([&] { return up.completed(); }, 60s)) << up.mistake();
  const double seconds = std::chrono::duration<double>(world.clock.now() - begin).count();
  RecordProperty("milliseconds_for_125_MB_at_1_Gbit_and_50_ms",
                 std::to_string(static_cast<int>(seconds * 1000)));
  // A second of the path, its delay, and a window that quadruples what was consumed with every round trip.
  EXPECT_LT(seconds, 1.0 + 10 * 0.05);
  world.expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Carriers, WindowTest, testing::Values(World::Carrier::kTls, World::Carrier::kQuic),
                         [](const auto& param) { return name_of(param.param); });
INSTANTIATE_TEST_SUITE_P(Carriers, FrameWindowTest, testing::Values(World::Carrier::kTls),
                         [](const auto& param) { return name_of(param.param); });

}  // namespace
}  // namespace penstock
