#include "tunnel/send_turns.h"

#include <gtest/gtest.h>

#include "support/sim_random.h"

namespace penstock {
namespace {

using enum SendTurns::Who;

TEST(SendTurnsTest, LeavesItToWhoeverHasSomething) {
  SendTurns turns;
  EXPECT_EQ(turns.next(false, false), kNobody);
  EXPECT_EQ(turns.next(true, false), kStreams);
  EXPECT_EQ(turns.next(false, true), kDatagrams);
  EXPECT_EQ(turns.next(true, true), kDatagrams);
}

TEST(SendTurnsTest, AlternatesInBytes) {
  SendTurns turns;
  turns.sent(kDatagrams, 100, true);
  EXPECT_EQ(turns.next(true, true), kStreams);
  turns.sent(kStreams, 16'000, true);
  for (int i = 0; i < 160; ++i) {
    ASSERT_EQ(turns.next(true, true), kDatagrams) << i;
    turns.sent(kDatagrams, 100, true);
  }
  EXPECT_EQ(turns.next(true, true), kStreams);
}

TEST(SendTurnsTest, OwesNothingForWhatWasSentAlone) {
  SendTurns turns;
  for (int i = 0; i < 1000; ++i) turns.sent(kDatagrams, 16'000, false);
  EXPECT_EQ(turns.next(true, true), kDatagrams);
  turns.sent(kDatagrams, 1, true);
  for (int i = 0; i < 1000; ++i) turns.sent(kStreams, 16'000, false);
  EXPECT_EQ(turns.next(true, true), kDatagrams);
  turns.sent(kDatagrams, 1, true);
  EXPECT_EQ(turns.next(true, true), kStreams);
}

TEST(SendTurnsTest, RemembersADebtWhileTheDebtorHasNothing) {
  SendTurns turns;
  turns.sent(kDatagrams, 16'000, true);  // all that there were; more come at once
  EXPECT_EQ(turns.next(true, true), kStreams);
  turns.sent(kStreams, 4000, false);
  EXPECT_EQ(turns.next(true, true), kStreams);
  turns.sent(kStreams, 12'000, true);
  EXPECT_EQ(turns.next(true, true), kDatagrams);
}

/// However the two come and go: over any time in which one waited throughout, it sent its half but for a
/// frame of either.
class SendTurnsRandomTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SendTurnsRandomTest, GivesWhoWaitsItsHalf) {
  constexpr std::int64_t kLargest = 65'525;
  SimRandom random{GetParam()};
  SendTurns turns;
  std::int64_t lead_of_datagrams = 0;  // while streams wait
  std::int64_t lead_of_streams = 0;    // while datagrams wait
  bool streams = false;
  bool datagrams = false;
  for (int i = 0; i < 50'000; ++i) {
    streams = random.chance(0.1) ? !streams : streams;
    datagrams = random.chance(0.3) ? !datagrams : datagrams;
    if (!streams) lead_of_datagrams = 0;
    if (!datagrams) lead_of_streams = 0;
    const auto who = turns.next(streams, datagrams);
    if (who == kNobody) continue;
    const auto bytes = static_cast<std::int64_t>(random.between(1, who == kStreams ? 16'393 : kLargest));
    turns.sent(who, static_cast<std::size_t>(bytes), who == kStreams ? datagrams : streams);
    lead_of_datagrams = std::max<std::int64_t>(lead_of_datagrams + (who == kDatagrams ? bytes : -bytes), 0);
    lead_of_streams = std::max<std::int64_t>(lead_of_streams + (who == kStreams ? bytes : -bytes), 0);
    if (streams) {
      ASSERT_LE(lead_of_datagrams, 2 * kLargest) << "seed " << GetParam() << " step " << i;
    }
    if (datagrams) {
      ASSERT_LE(lead_of_streams, 2 * kLargest) << "seed " << GetParam() << " step " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SendTurnsRandomTest, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

}  // namespace
}  // namespace penstock
