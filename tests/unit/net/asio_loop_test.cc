#include "net/asio_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "unit/net/loopback.h"

namespace penstock {
namespace {

using testing::ElementsAre;

TEST(AsioLoopTest, RunsWhatIsPostedInOrderAndNeverWithinPost) {
  AsioLoop loop;
  std::vector<int> order;
  loop.post([&] {
    loop.post([&] { order.push_back(3); });
    order.push_back(1);
  });
  loop.post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  settle(loop);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(AsioLoopTest, RunsWorkThatOwnsWhatCannotBeCopied) {
  AsioLoop loop;
  int seen = 0;
  loop.post([&seen, owned = std::make_unique<int>(7)] { seen = *owned; });
  settle(loop);
  EXPECT_EQ(seen, 7);
}

TEST(AsioLoopTest, DestroysPostedWorkThatItNeverRan) {
  const auto counted = std::make_shared<int>(0);
  {
    AsioLoop loop;
    loop.post([counted] {});
    EXPECT_EQ(counted.use_count(), 2);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(AsioLoopTest, FiresTimersAtTheirTimeInTheirOrder) {
  AsioLoop loop;
  std::vector<int> order;
  const Time begin = loop.now();
  const auto late = loop.make_timer([&] { order.push_back(2); });
  const auto early = loop.make_timer([&] { order.push_back(1); });
  late->arm(begin + 20ms);
  early->arm(begin + 10ms);
  ASSERT_TRUE(run_until(loop, [&] { return order.size() == 2; }));
  EXPECT_THAT(order, ElementsAre(1, 2));
  EXPECT_GE(loop.now() - begin, 20ms);
}

TEST(AsioLoopTest, ForgetsTheOldDeadlineOfATimerThatIsArmedAgain) {
  AsioLoop loop;
  int fired = 0;
  const Time begin = loop.now();
  const auto timer = loop.make_timer([&] { ++fired; });
  timer->arm(begin);
  timer->arm(begin + 30ms);
  ASSERT_TRUE(run_until(loop, [&] { return fired > 0; }));
  EXPECT_GE(loop.now() - begin, 30ms);
  settle(loop);
  EXPECT_EQ(fired, 1);
  timer->arm(loop.now());  // and may be used again
  ASSERT_TRUE(run_until(loop, [&] { return fired == 2; }));
}

TEST(AsioLoopTest, NeverFiresATimerThatIsCancelledOrDestroyedEvenWhenItIsDue) {
  AsioLoop loop;
  int fired = 0;
  const auto cancelled = loop.make_timer([&] { ++fired; });
  auto destroyed = loop.make_timer([&] { ++fired; });
  cancelled->arm(loop.now() - 1ms);
  destroyed->arm(loop.now() - 1ms);
  bool reached = false;
  loop.post([&] {  // runs before the handlers of timers that are due already
    cancelled->cancel();
    destroyed.reset();
    reached = true;
  });
  settle(loop);
  settle(loop);
  EXPECT_TRUE(reached);
  EXPECT_EQ(fired, 0);
}

TEST(AsioLoopTest, LetsATimerDestroyItselfAsItFires) {
  AsioLoop loop;
  std::unique_ptr<Timer> timer;
  std::string seen;
  timer = loop.make_timer([&timer, &seen, text = std::string(100, 'x')] {
    timer.reset();
    seen = text;  // what it captured is still there
  });
  timer->arm(loop.now());
  ASSERT_TRUE(run_until(loop, [&] { return !seen.empty(); }));
  EXPECT_EQ(seen, std::string(100, 'x'));
}

TEST(AsioLoopTest, TakesWorkFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  AsioLoop loop;
  std::array<std::vector<int>, kThreads> seen;  // touched by the loop's thread alone
  std::thread runner{[&] { loop.run(); }};
  std::vector<std::thread> posters;
  std::atomic<int> left{kThreads};
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        loop.post([&seen, t, i] { seen[static_cast<std::size_t>(t)].push_back(i); });
      if (--left == 0) loop.post([&loop] { loop.stop(); });
    });
  }
  for (std::thread& poster : posters) poster.join();
  runner.join();
  for (const auto& of_one : seen) {
    ASSERT_EQ(of_one.size(), static_cast<std::size_t>(kEach));
    EXPECT_TRUE(std::is_sorted(of_one.begin(), of_one.end()));
  }
}

TEST(AsioLoopTest, LetsLoopsOfSeveralThreadsHandWorkAround) {
  // As workers do: each hop posts to the next loop, many at once.
  constexpr std::size_t kLoops = 3;
  constexpr int kTokens = 50;
  constexpr int kHops = 200;
  std::array<AsioLoop, kLoops> loops;
  std::array<std::uint64_t, kLoops> visits{};  // each touched by its own thread
  std::atomic<int> finished{0};
  struct Token {
    int hops = 0;
    std::unique_ptr<int> cargo = std::make_unique<int>(0);
  };
  std::function<void(std::size_t, Token)> pass = [&](std::size_t at, Token token) {
    ++visits[at];
    ++*token.cargo;
    if (++token.hops == kHops) {
      EXPECT_EQ(*token.cargo, kHops);
      if (++finished == kTokens) {
        for (AsioLoop& loop : loops) loop.stop();
      }
      return;
    }
    const std::size_t next = (at + 1) % kLoops;
    loops[next].post([&pass, next, token = std::move(token)]() mutable { pass(next, std::move(token)); });
  };
  std::vector<std::thread> threads;
  for (AsioLoop& loop : loops) threads.emplace_back([&loop] { loop.run(); });
  for (int i = 0; i < kTokens; ++i) loops[0].post([&pass] { pass(0, Token{}); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(finished, kTokens);
  EXPECT_EQ(visits[0] + visits[1] + visits[2], static_cast<std::uint64_t>(kTokens) * kHops);
}

}  // namespace
}  // namespace penstock
