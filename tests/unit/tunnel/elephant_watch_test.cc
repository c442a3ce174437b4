#include "tunnel/elephant_watch.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr ElephantLimits kLimits{.rate = 1000, .after = 10s};

class ElephantWatchTest : public testing::Test {
 protected:
  /// So many seconds at that rate; what the last look said.
  bool send(int seconds, std::uint64_t rate, bool waits = true, const ElephantLimits& limits = kLimits) {
    bool sustained = false;
    for (int i = 0; i < seconds; ++i) {
      now_ += 1s;
      sent_ += rate;
      sustained = watch_.look(sent_, waits, now_, limits);
    }
    return sustained;
  }

  Time now_{1h};
  std::uint64_t sent_ = 0;
  ElephantWatch watch_;
};

TEST_F(ElephantWatchTest, FastForLongIsSustained) {
  EXPECT_FALSE(send(11, 2000));
  EXPECT_TRUE(send(1, 2000));
}

TEST_F(ElephantWatchTest, SlowNeverIs) {
  EXPECT_FALSE(send(1000, 1000));
}

TEST_F(ElephantWatchTest, APauseBeginsAnew) {
  send(9, 2000);
  send(1, 10);
  EXPECT_FALSE(send(10, 2000));
  EXPECT_TRUE(send(2, 2000));
}

TEST_F(ElephantWatchTest, CalmEndsIt) {
  EXPECT_TRUE(send(20, 2000));
  EXPECT_FALSE(send(1, 10, false));
}

TEST_F(ElephantWatchTest, SlowBehindOthersIsNotCalm) {
  EXPECT_TRUE(send(20, 2000));
  EXPECT_TRUE(send(100, 10, true));
}

TEST_F(ElephantWatchTest, LooksInQuickSuccessionTellNothing) {
  EXPECT_TRUE(send(20, 2000));
  now_ += 10ms;
  EXPECT_TRUE(watch_.look(sent_, false, now_, kLimits));
}

TEST_F(ElephantWatchTest, ARateOfZeroIsNoLimit) {
  EXPECT_FALSE(send(100, 1'000'000'000, true, {.rate = 0, .after = 10s}));
}

}  // namespace
}  // namespace penstock
