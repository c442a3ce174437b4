// Many flows, both ways, over a path that stalls and comes in pieces.
#include "sim/world.h"

namespace penstock {
namespace {

FlowPlan random_plan(SimRandom& random, std::uint64_t most) {
  FlowPlan plan;
  plan.client.send = random.size(most);
  plan.backend.send = random.size(most);
  plan.client.after_end = random.chance(0.1);
  plan.backend.after_end = !plan.client.after_end && random.chance(0.3);
  if (random.chance(0.05)) plan.backend.pause = std::chrono::microseconds{random.between(1, 2000)};
  if (random.chance(0.05)) plan.client.pause = std::chrono::microseconds{random.between(1, 2000)};
  return plan;
}

class TransferTest : public testing::TestWithParam<std::tuple<std::uint64_t, World::Carrier>> {};

TEST_P(TransferTest, BringsEveryByteOfThousandsOfFlows) {
  const auto [seed, carrier] = GetParam();
  World world{seed, carrier};
  world.internet.set_path({.send_buffer = 32768, .receive_buffer = 65536, .pieces = 30000});
  world.set_tunnel_path({.bytes_per_second = 250'000'000,
                         .delay = 5ms,
                         .send_buffer = 262144,
                         .receive_buffer = 1 << 20,
                         .pieces = 60000,
                         .stall_chance = 0.002,
                         .stall = 300ms},
                        {.delay = 5ms,
                         .loss = 0.01,
                         .duplication = 0.01,
                         .reordering = 0.02,
                         .held = 10ms,
                         .bytes_per_second = 50'000'000});
  world.start({}, [](Config& config) { config.edge->carriers = 3; });
  SimRandom random{world.seed};

  std::uint64_t bytes = 0;
  for (int i = 0; i < 3000; ++i) {
    const FlowPlan plan = random_plan(random, 200'000);
    bytes += plan.client.send + plan.backend.send;
    world.open(plan);
    if (random.chance(0.3)) world.run_for(std::chrono::microseconds{random.between(0, 3000)});
  }

  ASSERT_TRUE(world.run_until_over(120s)) << "seed " << world.seed;
  for (const auto& flow : world.flows())
    ASSERT_TRUE(flow->completed()) << flow->mistake() << " seed " << world.seed;
  world.expect_nothing_left();
  EXPECT_EQ(world.edge().machine().count(PST_R_COMPLETED), 3000U);
  EXPECT_EQ(world.hub().machine().count(PST_R_COMPLETED), 3000U);
  const auto& counted = world.hub().machine();
  EXPECT_EQ(counted.total(&Counters::bytes_to_backend) + counted.total(&Counters::bytes_to_client), bytes);
  EXPECT_EQ(world.edge().journal().accesses().size(), 3000U);
  EXPECT_EQ(world.hub().journal().accesses().size(), 3000U);
  RecordProperty("bytes", std::to_string(bytes));
}

INSTANTIATE_TEST_SUITE_P(OverTls, TransferTest,
                         testing::Combine(testing::Range(std::uint64_t{1}, std::uint64_t{6}),
                                          testing::Values(World::Carrier::kTls)));
INSTANTIATE_TEST_SUITE_P(OverQuic, TransferTest,
                         testing::Combine(testing::Range(std::uint64_t{1}, std::uint64_t{4}),
                                          testing::Values(World::Carrier::kQuic)));

}  // namespace
}  // namespace penstock
