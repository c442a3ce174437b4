// Every single operation of a short transfer fails once: whatever happens, no byte is wrong and nothing is
// left over.
#include "sim/world.h"

namespace penstock {
namespace {

/// Two flows, from the first dial of the edge to their end; `fail` counts operations from the beginning.
class Transfer {
 public:
  explicit Transfer(std::uint64_t fail) : fail_{fail} {
    world_.internet.set_path({.pieces = 3000});
    world_.internet.set_path_to(World::hub_address(), {.delay = 1ms, .pieces = 9000});
    world_.start_hub();
    world_.add_edge("edge-1", 1);
    world_.internet.faults().fail(fail);
    world_.run_until([&] { return world_.edge().edge().ports().open().contains(World::kPort); }, 60s);
    world_.open({.client = {.send = 20'000}, .backend = {.send = 30'000}});
    world_.open({.client = {.send = 40'000}, .backend = {.send = 2'000, .after_end = true}});
    over_ = world_.run_until_over(60s);
    operations_ = world_.internet.faults().seen();
    world_.internet.faults().fail(0);
    world_.run_for(3s);  // what is queued, and the goodbye of a carrier
  }

  void check() {
    SCOPED_TRACE("operation " + std::to_string(fail_) + " fails");
    ASSERT_TRUE(over_);
    for (const auto& flow : world_.flows()) {
      EXPECT_EQ(flow->mistake(), "");
      EXPECT_TRUE(flow->completed() || flow->was_reset() ||
                  (flow->backend() != nullptr && flow->backend()->was_reset()));
      completed_ += flow->completed() ? 1 : 0;
    }
    world_.expect_nothing_left();
    // And the world goes on.
    ASSERT_TRUE(world_.run_until([&] { return world_.edge().edge().connected(); }, 60s));
    SimFlow& after = world_.open({.client = {.send = 1000}, .backend = {.send = 1000}});
    EXPECT_TRUE(world_.run_until([&] { return after.completed(); }, 5s)) << after.mistake();
  }
  std::uint64_t operations() const { return operations_; }
  std::size_t completed() const { return completed_; }

 private:
  World world_{81};
  const std::uint64_t fail_;
  bool over_ = false;
  std::uint64_t operations_ = 0;
  std::size_t completed_ = 0;
};

TEST(FaultTest, LeavesNothingBehindWhicheverOperationFails) {
  Transfer whole{0};
  whole.check();
  ASSERT_EQ(whole.completed(), 2U);
  ASSERT_GT(whole.operations(), 100U);
  std::size_t untouched = 0;
  for (std::uint64_t number = 1; number <= whole.operations() && !testing::Test::HasFailure(); ++number) {
    Transfer transfer{number};
    transfer.check();
    untouched += transfer.completed();
  }
  EXPECT_GT(untouched, whole.operations() / 2);  // a fault of one flow's connection leaves the other alone
  RecordProperty("operations", std::to_string(whole.operations()));
}

}  // namespace
}  // namespace penstock
