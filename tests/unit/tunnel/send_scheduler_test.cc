#include "tunnel/send_scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "support/sim_random.h"

namespace penstock {
namespace {

constexpr std::uint64_t kQuantum = 16'000;

/// Something that sends: how much it has waiting, and what it was served.
struct Source : SendScheduler::Entry {
  std::uint64_t waiting = 0;
  std::uint64_t served = 0;
};

/// Serves the next source one frame, as a carrier does; null when there was none.
Source* serve(SendScheduler& scheduler, std::uint64_t frame = kQuantum) {
  auto* const source = static_cast<Source*>(scheduler.next());
  if (source == nullptr) return nullptr;
  EXPECT_GT(source->deficit, 0);
  const std::uint64_t bytes = std::min(frame, source->waiting);
  source->waiting -= bytes;
  source->served += bytes;
  scheduler.charge(*source, bytes);
  if (source->waiting == 0) scheduler.remove(*source);
  return source;
}

void give(SendScheduler& scheduler, Source& source, std::uint64_t bytes) {
  source.waiting += bytes;
  scheduler.add(source);
}

TEST(SendSchedulerTest, HasNobodyAtFirst) {
  SendScheduler scheduler{kQuantum};
  EXPECT_TRUE(scheduler.empty());
  EXPECT_EQ(scheduler.next(), nullptr);
}

TEST(SendSchedulerTest, IgnoresASecondAddAndASecondRemove) {
  SendScheduler scheduler{kQuantum};
  Source one;
  give(scheduler, one, 10);
  give(scheduler, one, 10);
  EXPECT_EQ(serve(scheduler), &one);
  EXPECT_EQ(one.served, 20U);
  EXPECT_TRUE(scheduler.empty());
  scheduler.remove(one);
  EXPECT_EQ(scheduler.next(), nullptr);
}

TEST(SendSchedulerTest, GivesTurnsOfTheQuantumOfNow) {
  SendScheduler scheduler{kQuantum};
  std::array<Source, 2> busy;
  for (Source& each : busy) give(scheduler, each, 10 * kQuantum);
  const auto turn_of = [&](Source* first, int frames) {
    for (int i = 0; i < frames; ++i) EXPECT_EQ(serve(scheduler, 1000), first);
  };
  turn_of(&busy[0], kQuantum / 1000);
  scheduler.set_quantum(4000);
  turn_of(&busy[1], kQuantum / 1000);  // which it had got before
  turn_of(&busy[0], 4);
  turn_of(&busy[1], 4);
  turn_of(&busy[0], 4);
}

TEST(SendSchedulerTest, ServesEqualBytesToAllThatAreBusy) {
  SendScheduler scheduler{kQuantum};
  std::array<Source, 50> sources;
  for (Source& source : sources) give(scheduler, source, 1ULL << 40);
  SimRandom random{1};
  for (int i = 0; i < 50'000; ++i) serve(scheduler, random.between(1, kQuantum));
  const auto [least, most] = std::minmax_element(
      sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.served < b.served; });
  EXPECT_LE(most->served - least->served, 3 * kQuantum);  // a quantum of turn, and one of debt at either end
  for (Source& source : sources) scheduler.remove(source);
}

TEST(SendSchedulerTest, ServesAQuietOneBeforeTheBusy) {
  SendScheduler scheduler{kQuantum};
  std::array<Source, 20> busy;
  for (Source& source : busy) give(scheduler, source, 1ULL << 40);
  for (int i = 0; i < 100; ++i) serve(scheduler);
  Source quiet;
  for (int i = 0; i < 1000; ++i) {
    give(scheduler, quiet, 200);
    EXPECT_EQ(serve(scheduler), &quiet) << i;
    for (int j = 0; j < 10; ++j) serve(scheduler);  // half a round of the others
  }
  for (Source& source : busy) scheduler.remove(source);
}

TEST(SendSchedulerTest, TreatsAQuietOneAsBusyOnceItHasUsedItsQuantum) {
  SendScheduler scheduler{kQuantum};
  std::array<Source, 10> busy;
  for (Source& source : busy) give(scheduler, source, 1ULL << 40);
  for (int i = 0; i < 30; ++i) serve(scheduler);
  Source burst;
  give(scheduler, burst, 3 * kQuantum);
  EXPECT_EQ(serve(scheduler), &burst);
  std::set<Source*> others;
  for (Source* source = serve(scheduler); source != &burst; source = serve(scheduler)) others.insert(source);
  EXPECT_GE(others.size(), busy.size() - 1);  // all but the one whose turn it just was
  for (Source& source : busy) scheduler.remove(source);
  scheduler.remove(burst);
}

TEST(SendSchedulerTest, GivesNothingForComingAndGoing) {
  // Three that are empty after every turn and back at once, one that always has more.
  SendScheduler scheduler{kQuantum};
  Source busy;
  std::array<Source, 3> fickle;
  give(scheduler, busy, 1ULL << 40);
  for (Source& source : fickle) give(scheduler, source, kQuantum);
  for (int i = 0; i < 4000; ++i) {
    Source* const source = serve(scheduler);
    if (source != &busy && source->waiting == 0) give(scheduler, *source, kQuantum);
  }
  for (const Source& source : fickle) {
    EXPECT_LE(source.served, busy.served + 2 * kQuantum);
    EXPECT_GE(source.served + 2 * kQuantum, busy.served);
  }
  scheduler.remove(busy);
  for (Source& source : fickle) scheduler.remove(source);
}

TEST(SendSchedulerTest, TakesNothingForComingAndGoing) {
  // One that leaves exactly when its quantum is used up, and is back before its next turn, among ten that
  // stay.
  SendScheduler scheduler{kQuantum};
  std::array<Source, 10> busy;
  Source fickle;
  for (Source& source : busy) give(scheduler, source, 1ULL << 40);
  give(scheduler, fickle, kQuantum);
  for (int i = 0; i < 11'000; ++i) {
    if (serve(scheduler) == &fickle) give(scheduler, fickle, kQuantum);
  }
  EXPECT_GE(fickle.served + 3 * kQuantum, busy.front().served);
  EXPECT_LE(fickle.served, busy.front().served + 3 * kQuantum);
  for (Source& source : busy) scheduler.remove(source);
  scheduler.remove(fickle);
}

/// Sources with random demands that come, go and are removed in the middle; nobody waits longer than a round.
class SchedulerRandomTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SchedulerRandomTest, LetsNobodyWaitLongerThanARoundOfTheOthers) {
  SimRandom random{GetParam()};
  SendScheduler scheduler{kQuantum};
  std::vector<Source> sources(30);
  std::vector<std::uint64_t> waited(sources.size());  // bytes served to others since it was first ready
  for (int i = 0; i < 100'000; ++i) {
    const std::size_t pick = random.between(0, sources.size() - 1);
    if (random.chance(0.6)) give(scheduler, sources[pick], random.size(60'000) + 1);
    if (random.chance(0.01)) {
      scheduler.remove(sources[pick]);
      sources[pick].waiting = 0;
      waited[pick] = 0;
    }
    const bool idle =
        std::all_of(sources.begin(), sources.end(), [](const Source& s) { return s.waiting == 0; });
    ASSERT_EQ(scheduler.empty(), idle) << "seed " << GetParam();
    Source* const served = serve(scheduler, random.between(1, kQuantum));
    ASSERT_EQ(served == nullptr, idle) << "seed " << GetParam();
    if (served == nullptr) continue;
    for (std::size_t j = 0; j < sources.size(); ++j) {
      if (served == &sources[j] || sources[j].waiting == 0) {
        waited[j] = 0;
      } else {
        waited[j] += kQuantum;  // at most
      }
      // Everybody's turn, a first quantum for those who come, and the debt of both: small frames make many
      // turns.
      ASSERT_LE(waited[j] / kQuantum, 100 * sources.size()) << "seed " << GetParam();
    }
  }
  for (Source& source : sources) scheduler.remove(source);
  EXPECT_EQ(scheduler.next(), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerRandomTest, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

}  // namespace
}  // namespace penstock
