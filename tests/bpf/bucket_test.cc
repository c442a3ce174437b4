// The arithmetic of token buckets, over gaps that no test can wait for.
#include <gtest/gtest.h>
#include <sys/cdefs.h>

#include <algorithm>
#include <limits>

#include "bpf/guard_units.h"
#include "lib/bucket.h"
#include "support/sim_random.h"

namespace penstock {
namespace {

using Wide = long double;

constexpr std::uint64_t kYear = 365 * 86400 * kSecond;
constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();

/// What the bucket should hold, in tokens, in numbers too wide to overflow.
Wide expected_tokens(const pst_bucket& bucket, const pst_rate& rate, std::uint64_t now) {
  const Wide full = rate.burst == 0 ? 1 : rate.burst;
  if (bucket.filled_at == 0) return full;
  const std::uint64_t gap = now > bucket.filled_at ? now - bucket.filled_at : 0;
  const Wide gained =
      static_cast<Wide>(std::min<std::uint64_t>(gap, LONGEST_GAP)) * rate.per_second / kSecond;
  return std::min(full, static_cast<Wide>(bucket.tokens) / TOKEN + gained);
}

TEST(BucketTest, HoldsWhatTimeAndRateGive) {
  struct Case {
    std::uint64_t gap;
    std::uint64_t held;  // whole tokens
    pst_rate rate;
    std::uint64_t tokens;
  };
  const std::vector<Case> cases{
      {0, 0, {1, 5}, 0},
      {kSecond - 1, 0, {1, 5}, 0},
      {kSecond, 0, {1, 5}, 1},
      {kSecond, 4, {1, 5}, 5},
      {kSecond, 5, {1, 5}, 5},
      {kSecond, 9, {1, 5}, 5},  // of a larger burst, before
      {kSecond, 0, {1, 0}, 1},
      {kSecond, 0, {kMost, kMost}, kMost},
      {kSecond / 2, 0, {1000, kMost}, 500},
      {1ULL << 44, 0, {1, 5}, 5},
      {1ULL << 45, 0, {kMost, kMost}, kMost},
      {kYear, 0, {1, 5}, 5},
      {300 * kYear, 0, {1, 5}, 5},
      {500 * kYear, 0, {kMost, kMost}, kMost},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(testing::Message() << one.gap << " ns, " << one.rate.per_second << "/s of "
                                    << one.rate.burst);
    const pst_bucket bucket{.filled_at = 1, .tokens = one.held * TOKEN};
    EXPECT_EQ(bucket_tokens(&bucket, &one.rate, 1 + one.gap) >> TOKEN_BITS, one.tokens);
  }
}

TEST(BucketTest, GivesNothingForTimeThatHasNotCome) {
  const pst_rate rate{.per_second = kMost, .burst = kMost};
  const pst_bucket bucket{.filled_at = 1000 * kSecond, .tokens = 3 * TOKEN};
  EXPECT_EQ(bucket_tokens(&bucket, &rate, 999 * kSecond), 3 * TOKEN);
  EXPECT_EQ(bucket_tokens(&bucket, &rate, 0), 3 * TOKEN);
}

TEST(BucketTest, NeverGivesMoreThanTheRateAndHardlyLess) {
  SimRandom random{7};
  for (int i = 0; i < 100'000; ++i) {
    const auto bits = [&random](unsigned most) { return random.number() >> random.between(64 - most, 63); };
    const pst_rate rate{.per_second = static_cast<std::uint32_t>(bits(32)),
                        .burst = static_cast<std::uint32_t>(bits(32))};
    const pst_bucket bucket{.filled_at = 1 + bits(60),
                            .tokens = std::min<std::uint64_t>(bits(52), bucket_size(&rate))};
    const std::uint64_t now = bucket.filled_at + bits(63);
    const Wide exact = expected_tokens(bucket, rate, now);
    const Wide got = static_cast<Wide>(bucket_tokens(&bucket, &rate, now)) / TOKEN;
    ASSERT_LE(got, exact * (1 + 1e-15L) + 1e-9L);
    ASSERT_GE(got,
              exact - static_cast<Wide>(rate.per_second) / TOKEN - 1e-6L);  // one step of the clock's unit
  }
}

}  // namespace
}  // namespace penstock
