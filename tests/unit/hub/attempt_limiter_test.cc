#include "hub/attempt_limiter.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

constexpr Time kStart{1h};

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

LimitsConfig limits() {
  LimitsConfig config;
  config.handshakes = 5;
  config.handshakes_per_source = 2;
  config.auth_failures_per_minute = 3;
  return config;
}

class AttemptLimiterTest : public testing::Test {
 protected:
  void fail(const IpAddress& source, int times, Time now) {
    for (int i = 0; i < times; ++i) limiter_.failed(source, now);
  }

  const IpAddress here_ = address("192.0.2.1");
  const IpAddress there_ = address("192.0.2.2");
  AttemptLimiter limiter_{limits()};
};

TEST_F(AttemptLimiterTest, LimitsUnfinishedHandshakesOfASource) {
  EXPECT_TRUE(limiter_.begin(here_));
  EXPECT_TRUE(limiter_.begin(here_));
  EXPECT_FALSE(limiter_.begin(here_));
  EXPECT_TRUE(limiter_.begin(there_));

  limiter_.finished(here_);
  EXPECT_TRUE(limiter_.begin(here_));
  EXPECT_FALSE(limiter_.begin(here_));
}

TEST_F(AttemptLimiterTest, LimitsUnfinishedHandshakesInTotal) {
  for (std::uint32_t i = 1; i <= 5; ++i) EXPECT_TRUE(limiter_.begin(IpAddress::v4(i)));
  EXPECT_FALSE(limiter_.begin(IpAddress::v4(6)));

  limiter_.finished(IpAddress::v4(3));
  EXPECT_TRUE(limiter_.begin(IpAddress::v4(6)));
  EXPECT_FALSE(limiter_.begin(IpAddress::v4(7)));
}

TEST_F(AttemptLimiterTest, CountsNoHandshakeThatItRefused) {
  for (int i = 0; i < 10; ++i) limiter_.begin(here_);  // two of which begin

  EXPECT_TRUE(limiter_.begin(IpAddress::v4(1)));
  EXPECT_TRUE(limiter_.begin(IpAddress::v4(2)));
  EXPECT_TRUE(limiter_.begin(IpAddress::v4(3)));
  EXPECT_FALSE(limiter_.begin(IpAddress::v4(4)));
}

TEST_F(AttemptLimiterTest, TakesNoEndOfWhatNeverBegan) {
  for (std::uint32_t i = 1; i <= 5; ++i) ASSERT_TRUE(limiter_.begin(IpAddress::v4(i)));

  limiter_.finished(there_);

  EXPECT_FALSE(limiter_.begin(there_));
}

TEST_F(AttemptLimiterTest, TakesAnIpv6NetworkOf64BitsAsOneSource) {
  EXPECT_TRUE(limiter_.begin(address("2001:db8:0:1::1")));
  EXPECT_TRUE(limiter_.begin(address("2001:db8:0:1:ffff::2")));
  EXPECT_FALSE(limiter_.begin(address("2001:db8:0:1::3")));
  EXPECT_TRUE(limiter_.begin(address("2001:db8:0:2::1")));

  fail(address("2001:db8:0:1::1"), 3, kStart);
  EXPECT_FALSE(limiter_.may_try(address("2001:db8:0:1:8000::"), kStart));
  EXPECT_TRUE(limiter_.may_try(address("2001:db8:0:2::1"), kStart));
}

TEST_F(AttemptLimiterTest, RefusesASourceThatFailedTooOftenWithinAMinute) {
  fail(here_, 2, kStart);
  EXPECT_TRUE(limiter_.may_try(here_, kStart));
  fail(here_, 1, kStart + 10s);

  EXPECT_FALSE(limiter_.may_try(here_, kStart + 10s));
  EXPECT_TRUE(limiter_.may_try(there_, kStart + 10s));
}

TEST_F(AttemptLimiterTest, ForgivesAMinuteAfterTheFirstFailure) {
  fail(here_, 3, kStart);

  EXPECT_FALSE(limiter_.may_try(here_, kStart + 1min - 1ns));
  EXPECT_TRUE(limiter_.may_try(here_, kStart + 1min));
  fail(here_, 2, kStart + 1min);
  EXPECT_TRUE(limiter_.may_try(here_, kStart + 1min));
  fail(here_, 1, kStart + 1min);
  EXPECT_FALSE(limiter_.may_try(here_, kStart + 2min - 1ns));
}

TEST_F(AttemptLimiterTest, ForgetsTheStalestSourceWhenTheTableIsFull) {
  fail(here_, 3, kStart);
  for (std::uint32_t i = 1; i < 65536; ++i) fail(IpAddress::v4(0x0a000000 + i), 3, kStart + 1s);
  EXPECT_FALSE(limiter_.may_try(here_, kStart + 2s));

  fail(there_, 3, kStart + 2s);

  EXPECT_TRUE(limiter_.may_try(here_, kStart + 2s));
  EXPECT_FALSE(limiter_.may_try(there_, kStart + 2s));
  EXPECT_FALSE(limiter_.may_try(IpAddress::v4(0x0a000001), kStart + 2s));
  EXPECT_FALSE(limiter_.may_try(IpAddress::v4(0x0a00ffff), kStart + 2s));
}

TEST_F(AttemptLimiterTest, CountsOnASourceItKnowsWithoutForgettingAnother) {
  fail(here_, 3, kStart);
  for (std::uint32_t i = 1; i < 65536; ++i) fail(IpAddress::v4(0x0a000000 + i), 2, kStart + 1s);

  fail(IpAddress::v4(0x0a000001), 1, kStart + 2s);

  EXPECT_FALSE(limiter_.may_try(here_, kStart + 2s));
  EXPECT_FALSE(limiter_.may_try(IpAddress::v4(0x0a000001), kStart + 2s));
}

TEST_F(AttemptLimiterTest, NewLimitsApplyToWhatIsCountedAlready) {
  ASSERT_TRUE(limiter_.begin(here_));
  ASSERT_TRUE(limiter_.begin(here_));
  fail(here_, 3, kStart);
  LimitsConfig wider = limits();
  wider.handshakes_per_source = 3;
  wider.auth_failures_per_minute = 4;

  limiter_.set_limits(wider);

  EXPECT_TRUE(limiter_.begin(here_));
  EXPECT_FALSE(limiter_.begin(here_));
  EXPECT_TRUE(limiter_.may_try(here_, kStart));
}

TEST_F(AttemptLimiterTest, KeepsThePrefixesUnderWhichItCounted) {
  ASSERT_TRUE(limiter_.begin(here_));
  ASSERT_TRUE(limiter_.begin(here_));
  LimitsConfig coarser = limits();
  coarser.source_prefix_v4 = 24;
  coarser.source_prefix_v6 = 48;

  limiter_.set_limits(coarser);

  EXPECT_TRUE(limiter_.begin(there_));
  limiter_.finished(here_);
  EXPECT_TRUE(limiter_.begin(here_));
  EXPECT_FALSE(limiter_.begin(here_));
}

}  // namespace
}  // namespace penstock
