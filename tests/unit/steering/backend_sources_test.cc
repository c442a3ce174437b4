#include "steering/backend_sources.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Time kBegin{1h};

class BackendSourcesTest : public testing::Test {
 protected:
  const Endpoint here_{IpAddress::v4(0x0a000001), 53};
  const Endpoint there_{IpAddress::v4(0x0a000001), 54};
  BackendSources sources_{3, 30s};
};

TEST_F(BackendSourcesTest, HasNoneUntilOneIsOpened) {
  EXPECT_EQ(sources_.take(here_, kBegin), std::nullopt);
  EXPECT_EQ(sources_.backends(), 0U);  // nothing is remembered of it

  EXPECT_EQ(sources_.open(), 0U);
  EXPECT_EQ(sources_.take(here_, kBegin), 0U);
  EXPECT_EQ(sources_.take(here_, kBegin), std::nullopt);
}

TEST_F(BackendSourcesTest, OpensNoMoreThanItMay) {
  for (std::uint32_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(sources_.may_open());
    EXPECT_EQ(sources_.open(), i);
  }
  EXPECT_FALSE(sources_.may_open());
  EXPECT_EQ(sources_.opened(), 3U);
}

TEST_F(BackendSourcesTest, SharesASourceBetweenBackends) {
  sources_.open();
  EXPECT_EQ(sources_.take(here_, kBegin), 0U);
  EXPECT_EQ(sources_.take(there_, kBegin), 0U);
  EXPECT_EQ(sources_.backends(), 2U);
}

TEST_F(BackendSourcesTest, RestsASourceForTheQuarantine) {
  sources_.open();
  sources_.take(here_, kBegin);
  sources_.give_back(here_, 0, kBegin + 1s);

  EXPECT_EQ(sources_.take(here_, kBegin + 31s - 1ns), std::nullopt);
  EXPECT_EQ(sources_.take(there_, kBegin + 1s), 0U);
  EXPECT_EQ(sources_.take(here_, kBegin + 31s), 0U);
}

TEST_F(BackendSourcesTest, RestsNoSourceThatNothingWasSentFrom) {
  sources_.open();
  sources_.take(here_, kBegin);
  sources_.return_unused(here_, 0, kBegin);
  EXPECT_EQ(sources_.take(here_, kBegin), 0U);
  sources_.return_unused(here_, 0, kBegin);
  sources_.tidy(kBegin);
  EXPECT_EQ(sources_.backends(), 0U);
}

TEST_F(BackendSourcesTest, PrefersWhatTheBackendNeverHadThenWhatRestedLongest) {
  for (int i = 0; i < 3; ++i) sources_.open();
  EXPECT_EQ(sources_.take(here_, kBegin), 0U);
  EXPECT_EQ(sources_.take(here_, kBegin), 1U);
  sources_.give_back(here_, 1, kBegin);
  sources_.give_back(here_, 0, kBegin);
  const Time later = kBegin + 1h;

  EXPECT_EQ(sources_.take(here_, later), 2U);
  EXPECT_EQ(sources_.take(here_, later), 1U);
  EXPECT_EQ(sources_.take(here_, later), 0U);
  EXPECT_EQ(sources_.take(here_, later), std::nullopt);
}

TEST_F(BackendSourcesTest, ClaimsWhatASessionHasAlready) {
  EXPECT_TRUE(sources_.claim(here_, 1, kBegin));
  EXPECT_FALSE(sources_.claim(here_, 1, kBegin)) << "it is in use";
  EXPECT_FALSE(sources_.claim(here_, 3, kBegin)) << "there are three";
  EXPECT_TRUE(sources_.claim(there_, 1, kBegin));

  EXPECT_EQ(sources_.take(here_, kBegin), std::nullopt) << "what is below may have been used too";
  EXPECT_EQ(sources_.open(), 2U);
  EXPECT_EQ(sources_.take(here_, kBegin), 2U);
  EXPECT_EQ(sources_.take(here_, kBegin + 30s), 0U);
  sources_.give_back(here_, 1, kBegin + 30s);
  EXPECT_EQ(sources_.take(here_, kBegin + 59s), std::nullopt);
  EXPECT_EQ(sources_.take(here_, kBegin + 60s), 1U);
}

TEST_F(BackendSourcesTest, ClaimsOneThatRests) {
  EXPECT_TRUE(sources_.claim(here_, 2, kBegin));
  EXPECT_TRUE(sources_.claim(here_, 0, kBegin));
  EXPECT_EQ(sources_.take(here_, kBegin + 30s), 1U);
  EXPECT_EQ(sources_.take(here_, kBegin + 99s), std::nullopt);
}

TEST_F(BackendSourcesTest, ForgetsABackendOnceAllItsSourcesHaveRested) {
  for (int i = 0; i < 2; ++i) sources_.open();
  sources_.take(here_, kBegin);
  sources_.take(here_, kBegin);
  sources_.give_back(here_, 0, kBegin);
  sources_.tidy(kBegin + 1h);
  EXPECT_EQ(sources_.backends(), 1U);  // one is in use

  sources_.give_back(here_, 1, kBegin + 1h);
  sources_.tidy(kBegin + 1h + 30s - 1ns);
  EXPECT_EQ(sources_.backends(), 1U);  // one is resting
  sources_.tidy(kBegin + 1h + 30s);
  EXPECT_EQ(sources_.backends(), 0U);
  EXPECT_EQ(sources_.take(here_, kBegin + 2h), 0U);
}

TEST_F(BackendSourcesTest, AbortsWhenMoreComesBackThanWasTaken) {
  sources_.open();
  EXPECT_DEATH(sources_.give_back(here_, 0, kBegin), "");
  sources_.take(here_, kBegin);
  sources_.give_back(here_, 0, kBegin);
  EXPECT_DEATH(sources_.give_back(here_, 0, kBegin), "");
}

}  // namespace
}  // namespace penstock
