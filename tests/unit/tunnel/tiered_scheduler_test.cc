#include "tunnel/tiered_scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Entry = TieredScheduler::Entry;

constexpr std::uint64_t kLeast = 1'000'000;
constexpr Time kStart{1h};

class TieredSchedulerTest : public testing::Test {
 protected:
  ~TieredSchedulerTest() override {
    for (Entry* const entry : {&bulk_, &small_, &other_}) scheduler_.remove(*entry);
  }
  /// What each sends of so many frames that leave at `rate` bytes a second.
  std::map<const Entry*, std::uint64_t> send(std::size_t frames, std::uint64_t rate) {
    std::map<const Entry*, std::uint64_t> sent;
    constexpr std::size_t kFrame = 10'000;
    for (std::size_t i = 0; i < frames; ++i) {
      Entry* const entry = scheduler_.next(now_);
      if (entry == nullptr) break;
      scheduler_.charge(*entry, kFrame);
      sent[entry] += kFrame;
      now_ += std::chrono::nanoseconds{1s} * kFrame / rate;
    }
    return sent;
  }

  Time now_ = kStart;
  TieredScheduler scheduler_{kLeast, 16'000};
  Entry bulk_;
  Entry small_;
  Entry other_;
};

TEST_F(TieredSchedulerTest, NobodyIsNextWhenNobodyWaits) {
  EXPECT_TRUE(scheduler_.empty());
  EXPECT_EQ(scheduler_.next(now_), nullptr);
}

TEST_F(TieredSchedulerTest, EqualsShareInTheirTier) {
  scheduler_.add(small_);
  scheduler_.add(other_);
  auto sent = send(1000, 10'000'000);
  EXPECT_NEAR(static_cast<double>(sent[&small_]), static_cast<double>(sent[&other_]), 40'000);
}

TEST_F(TieredSchedulerTest, TheSustainedTierKeepsItsLeastRateAndNoMore) {
  scheduler_.set_sustained(bulk_, true);
  scheduler_.add(bulk_);
  scheduler_.add(small_);
  auto sent = send(10'000, 10'000'000);  // ten seconds
  EXPECT_NEAR(static_cast<double>(sent[&bulk_]), 10.0 * kLeast, 0.02 * 10.0 * kLeast);
}

TEST_F(TieredSchedulerTest, TheSustainedTierHasWhatTheOtherLeaves) {
  scheduler_.set_sustained(bulk_, true);
  scheduler_.add(bulk_);
  EXPECT_EQ(send(100, 10'000'000)[&bulk_], 1'000'000U);
}

TEST_F(TieredSchedulerTest, SilenceSavesNothingUp) {
  scheduler_.set_sustained(bulk_, true);
  scheduler_.add(small_);
  scheduler_.add(bulk_);
  send(10, 10'000'000);
  now_ += 1h;
  auto sent = send(100, 10'000'000);  // a tenth of a second
  EXPECT_LE(sent[&bulk_], 3 * kLeast / 10);
}

TEST_F(TieredSchedulerTest, AWaitingEntryChangesItsTier) {
  scheduler_.add(bulk_);
  scheduler_.add(small_);
  scheduler_.set_sustained(bulk_, true);
  auto sent = send(1000, 100'000'000);
  EXPECT_GT(sent[&small_], 8 * sent[&bulk_]);
  scheduler_.set_sustained(bulk_, false);
  sent = send(1000, 100'000'000);
  EXPECT_NEAR(static_cast<double>(sent[&small_]), static_cast<double>(sent[&bulk_]), 200'000);
}

TEST_F(TieredSchedulerTest, AnEntryThatDoesNotWaitChangesItsTierToo) {
  scheduler_.set_sustained(bulk_, true);
  EXPECT_TRUE(scheduler_.empty());
  scheduler_.add(bulk_);
  EXPECT_EQ(scheduler_.next(now_), &bulk_);
  scheduler_.remove(bulk_);
  EXPECT_TRUE(scheduler_.empty());
}

}  // namespace
}  // namespace penstock
