#include "tunnel/backoff.h"

#include <gtest/gtest.h>

#include "support/sim_random.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

TEST(BackoffTest, DoublesUpToItsMost) {
  Backoff least{1s, 30s};
  Backoff most{1s, 30s};
  for (const Duration full : {1000ms, 2000ms, 4000ms, 8000ms, 16'000ms, 30'000ms, 30'000ms, 30'000ms}) {
    EXPECT_EQ(least.next(0), full / 2);
    EXPECT_EQ(most.next(static_cast<std::uint64_t>((full / 2).count())), full);
  }
}

TEST(BackoffTest, StaysInTheUpperHalfWhateverTheNumber) {
  SimRandom random{1};
  for (int i = 0; i < 1000; ++i) {
    Backoff backoff{1s, 30s};
    const Duration delay = backoff.next(random.number());
    EXPECT_GE(delay, 500ms);
    EXPECT_LE(delay, 1s);
  }
  Backoff backoff{1s, 30s};
  EXPECT_LE(backoff.next(UINT64_MAX), 1s);
}

TEST(BackoffTest, BeginsAnewAfterASuccess) {
  Backoff backoff{1s, 30s};
  for (int i = 0; i < 10; ++i) backoff.next(0);
  backoff.succeeded();
  EXPECT_EQ(backoff.next(0), 500ms);
  EXPECT_EQ(backoff.next(0), 1s);
}

TEST(BackoffTest, NeverOverflowsHoweverLongItGoesOn) {
  Backoff backoff{1s, 30s};
  for (int i = 0; i < 100'000; ++i) ASSERT_LE(backoff.next(UINT64_MAX), 30s);
}

}  // namespace
}  // namespace penstock
