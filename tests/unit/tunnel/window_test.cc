#include "tunnel/window.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "support/sim_random.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kInitial = wire::kInitialCredit;
constexpr std::uint64_t kMiB = 1U << 20;
constexpr Time kBegin{1h};

// ---------------------------------------------------------------------------------------------- the budget

TEST(WindowBudgetTest, SetsTheFirstCreditOfEveryAllowedStreamAside) {
  WindowBudget budget{kMiB, 32};
  EXPECT_EQ(budget.granted(), 0U);
  for (int i = 0; i < 32; ++i) EXPECT_TRUE(budget.admit()) << i;
  EXPECT_FALSE(budget.admit());
  EXPECT_EQ(budget.granted(), 32 * kInitial);
  budget.leave();
  EXPECT_TRUE(budget.admit());
  EXPECT_FALSE(budget.admit());
}

TEST(WindowBudgetTest, DrawsAtMostAQuarterOfWhatIsLeft) {
  WindowBudget budget{kMiB, 32};  // 512 KiB for growth
  EXPECT_EQ(budget.draw(10), 10U);
  budget.give_back(10);
  EXPECT_EQ(budget.draw(kMiB), 128U << 10);
  EXPECT_EQ(budget.draw(kMiB), 96U << 10);
  EXPECT_EQ(budget.granted(), 224U << 10);
  budget.give_back(224U << 10);
  EXPECT_EQ(budget.granted(), 0U);
  EXPECT_EQ(budget.draw(kMiB), 128U << 10);
}

TEST(WindowBudgetTest, HasNothingForGrowthWhenFirstCreditsTakeItAll) {
  WindowBudget budget{4 * kInitial, 4};
  EXPECT_EQ(budget.draw(kMiB), 0U);
  EXPECT_TRUE(budget.admit());
  EXPECT_EQ(budget.granted(), kInitial);
}

struct ShareCase {
  std::uint64_t total;
  std::uint32_t streams;
  std::uint64_t share;
};

class WindowShareTest : public testing::TestWithParam<ShareCase> {};

TEST_P(WindowShareTest, IsAnEqualPartWithinBounds) {
  const auto [total, streams, share] = GetParam();
  WindowBudget budget{total, 4096};
  for (std::uint32_t i = 0; i < streams; ++i) ASSERT_TRUE(budget.admit());
  EXPECT_EQ(budget.share(), share);
}

INSTANTIATE_TEST_SUITE_P(
    Table, WindowShareTest,
    testing::Values(ShareCase{256 * kMiB, 0, 16 * kMiB},   // nobody there: the most
                    ShareCase{256 * kMiB, 1, 16 * kMiB},   // never more than the most
                    ShareCase{256 * kMiB, 16, 16 * kMiB},  // just
                    ShareCase{256 * kMiB, 17, 256 * kMiB / 17}, ShareCase{256 * kMiB, 1024, 256U << 10},
                    ShareCase{64 * kMiB, 4096, kInitial},
                    ShareCase{32 * kMiB, 4096, kInitial}));  // never under the first credit

// ---------------------------------------------------------------------------------------------- receiving

/// One step of a consumer: it takes `consume` bytes `later`, and the window grants `grant`, so that
/// `outstanding` is what the peer may send.
struct Step {
  std::uint64_t consume;
  Duration later;
  std::uint64_t grant;
  std::uint64_t outstanding;
};

void run(ReceiveWindow& window, const std::vector<Step>& steps) {
  Time now = kBegin;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    now += step.later;
    ASSERT_TRUE(window.receive(step.consume)) << "step " << i;
    EXPECT_EQ(window.consume(step.consume, now), step.grant) << "step " << i;
    EXPECT_EQ(window.outstanding(), step.outstanding) << "step " << i;
  }
}

TEST(ReceiveWindowTest, GrowsWithWhatItsConsumerTook) {
  WindowBudget budget{256 * kMiB, 16};
  ASSERT_TRUE(budget.admit());
  ReceiveWindow window{kInitial, &budget};
  run(window, {
                  {1000, 0ms, 0, 15384},       // less than a quarter is not worth a frame
                  {3095, 0ms, 0, 12289},       // 16384 wanted: no growth yet, and a byte short of a quarter
                  {1, 1ms, 4096, 16384},       // the quarter
                  {16384, 1ms, 81920, 81920},  // took 20480, may have four times that
                  {81920, 999ms, 409600, 409600},  // 102400 taken
              });
  EXPECT_EQ(budget.granted(), 409600U);
  window.release();
  budget.leave();
  EXPECT_EQ(budget.granted(), 0U);
}

TEST(ReceiveWindowTest, DoesNotGrowForAConsumerThatWasIdleForASecond) {
  WindowBudget budget{256 * kMiB, 16};
  ASSERT_TRUE(budget.admit());
  ReceiveWindow window{kInitial, &budget};
  run(window, {
                  {16384, 0ms, 65536, 65536},
                  {65536, 1000ms, 65536, 65536},   // got back what it took, no more
                  {65536, 999ms, 589824, 589824},  // awake again
              });
}

TEST(ReceiveWindowTest, StopsAtSixteenMebibytesAndReturnsCreditInSteps) {
  WindowBudget budget{256 * kMiB, 16};
  ASSERT_TRUE(budget.admit());
  ReceiveWindow window{kInitial, &budget};
  for (int i = 0; i < 10; ++i) {
    const std::uint64_t all = window.outstanding();
    ASSERT_TRUE(window.receive(all));
    window.consume(all, kBegin);
  }
  EXPECT_EQ(window.outstanding(), kMaxWindow);
  EXPECT_EQ(budget.granted(), kMaxWindow);
  ASSERT_TRUE(window.receive(262'144));
  EXPECT_EQ(window.consume(262'143, kBegin), 0U);
  EXPECT_EQ(window.consume(1, kBegin), 262'144U);
}

TEST(ReceiveWindowTest, ShrinksAsOthersComeByGrantingLess) {
  WindowBudget budget{4 * kMiB, 64};
  ASSERT_TRUE(budget.admit());
  ReceiveWindow window{kInitial, &budget};
  for (int i = 0; i < 6; ++i) {
    const std::uint64_t all = window.outstanding();
    ASSERT_TRUE(window.receive(all));
    window.consume(all, kBegin);
  }
  const std::uint64_t large = window.outstanding();
  EXPECT_GT(large, kMiB);
  for (int i = 1; i < 64; ++i) ASSERT_TRUE(budget.admit());
  ASSERT_TRUE(window.receive(large));
  std::uint64_t granted = 0;
  for (std::uint64_t taken = 0; taken < large; taken += 1024)
    granted += window.consume(std::min(large - taken, 1024UL), kBegin);
  EXPECT_EQ(window.outstanding(), granted);
  EXPECT_LE(window.outstanding(), budget.share());
  EXPECT_EQ(budget.share(), 65536U);
}

TEST(ReceiveWindowTest, RefusesWhatWasNotGranted) {
  WindowBudget budget{kMiB, 4};
  ReceiveWindow window{kInitial, &budget};
  EXPECT_TRUE(window.receive(kInitial));
  EXPECT_FALSE(window.receive(1));
}

TEST(ReceiveWindowTest, GivesALegacyPeerBackWhatWasConsumedAndNoMore) {
  ReceiveWindow window{4 * kMiB, nullptr};
  run(window, {
                  {262'143, 0ms, 0, 4 * kMiB - 262'143},
                  {1, 0ms, 262'144, 4 * kMiB},
                  {4 * kMiB, 10s, 4 * kMiB, 4 * kMiB},
              });
}

/// Streams that come, receive, consume and go at random, over one small budget.
class BudgetRandomTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(BudgetRandomTest, IsNeverOverdrawnAndComesBackWhole) {
  constexpr std::uint64_t kTotal = 2 * kMiB;
  struct Peer {
    explicit Peer(WindowBudget& budget) : window{kInitial, &budget} {}
    ReceiveWindow window;
    std::uint64_t credit = kInitial;  // the sender's side of it
    std::uint64_t held = 0;           // received and not consumed
  };
  SimRandom random{GetParam()};
  WindowBudget budget{kTotal, 64};
  std::vector<std::unique_ptr<Peer>> peers;
  Time now = kBegin;
  for (int i = 0; i < 50'000; ++i) {
    now += std::chrono::milliseconds{random.chance(0.01) ? 2000 : random.size(20)};
    if (peers.empty() || random.chance(0.02)) {
      if (budget.admit()) peers.push_back(std::make_unique<Peer>(budget));
      continue;
    }
    const std::size_t index = random.between(0, peers.size() - 1);
    Peer& peer = *peers[index];
    if (random.chance(0.015)) {
      peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(index));
      budget.leave();
    } else if (random.chance(0.5)) {
      const std::uint64_t bytes = random.chance(0.3) ? peer.credit : random.between(0, peer.credit);
      ASSERT_TRUE(peer.window.receive(bytes)) << "seed " << GetParam();
      peer.credit -= bytes;
      peer.held += bytes;
    } else {
      const std::uint64_t bytes = random.chance(0.5) ? peer.held : random.between(0, peer.held);
      peer.held -= bytes;
      peer.credit += peer.window.consume(bytes, now);
      ASSERT_EQ(peer.window.outstanding(), peer.credit + peer.held) << "seed " << GetParam();
      ASSERT_TRUE(peer.held > 0 || peer.credit > 0) << "a sender waits for ever; seed " << GetParam();
    }
    std::uint64_t promised = 0;
    for (const auto& each : peers) promised += each->window.outstanding();
    ASSERT_LE(promised, budget.granted()) << "seed " << GetParam();
    ASSERT_LE(budget.granted(), kTotal) << "seed " << GetParam();
  }
  for (std::size_t i = peers.size(); i > 0; --i) budget.leave();
  peers.clear();
  EXPECT_EQ(budget.granted(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BudgetRandomTest, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

// ---------------------------------------------------------------------------------------------- sending

TEST(SendWindowTest, SpendsWhatItHasAndGrowsByWhatIsGranted) {
  SendWindow window{kInitial, kMaxWindow};
  window.spend(kInitial);
  EXPECT_EQ(window.credit(), 0U);
  EXPECT_TRUE(window.grant(5));
  EXPECT_TRUE(window.grant(0));
  EXPECT_EQ(window.credit(), 5U);
}

TEST(SendWindowTest, CutsOffWhatIsAboveItsMostAndSaysSo) {
  SendWindow window{kInitial, kMaxWindow};
  EXPECT_TRUE(window.grant(kMaxWindow - kInitial));
  EXPECT_EQ(window.credit(), kMaxWindow);
  EXPECT_FALSE(window.grant(1));
  EXPECT_EQ(window.credit(), kMaxWindow);
  window.spend(kMaxWindow);
  EXPECT_FALSE(window.grant(UINT32_MAX));
  EXPECT_EQ(window.credit(), kMaxWindow);
}

}  // namespace
}  // namespace penstock
