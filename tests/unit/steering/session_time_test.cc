// A session's times, of which it keeps milliseconds: rounding, and what is longer than 32 bits of them.
#include <gtest/gtest.h>

#include "steering/session_table.h"
#include "unit/steering/paths.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Duration kUnanswered = 10s;
constexpr Duration kWrap = std::chrono::milliseconds{std::uint64_t{1} << 32};  // 49 days

class SessionTimeTest : public testing::Test {
 protected:
  Session& add_assured(Duration idle, Time now) {
    Session& session = *table_.add(numbered_path(1), idle, now);
    table_.backend_sent(session, 1, now);
    table_.client_sent(session, 1, now);
    return session;
  }
  bool over(Time now) {
    bool told = false;
    table_.expire(now, 1, [&](Session&) { told = true; });
    return told;
  }

  SessionTable table_{0, 1, kUnanswered};
};

TEST_F(SessionTimeTest, KnowsWhenItOpenedToTheMillisecond) {
  const Time now{1h + 999us};
  const Session& session = *table_.add(numbered_path(1), 60s, now);
  EXPECT_EQ(session.opened(), Time{1h});
  EXPECT_EQ(session.last_sent, now);
}

TEST_F(SessionTimeTest, NeverEndsBeforeItsIdleTime) {
  struct Case {
    int number;
    Duration idle;
    Duration ends;  // that long after the last datagram
  };
  constexpr Case kCases[] = {
      {1, 1ms, 1ms}, {2, 1ms + 1ns, 2ms}, {3, 999us, 1ms}, {4, 60s, 60s}, {5, 60s - 1ns, 60s},
  };
  for (const Case& c : kCases) {
    const Time sent{1h + 123456ns};
    Session& session = add_assured(c.idle, sent);
    EXPECT_EQ(over(sent + c.ends - 1ns), false) << "case " << c.number;
    EXPECT_TRUE(over(sent + c.ends)) << "case " << c.number;
    table_.remove(session);
  }
}

TEST_F(SessionTimeTest, LooksNoYoungerAfter32BitsOfMilliseconds) {
  const Time sent{1h};
  add_assured(24h, sent);
  for (const Duration silence : {kWrap, kWrap + 1h, 2 * kWrap + 1s, 100 * kWrap})
    EXPECT_TRUE(over(sent + silence)) << silence.count();
}

TEST_F(SessionTimeTest, LivesAsLongAsSomebodySends) {
  Time now{1h};
  Session& session = add_assured(kWrap, now);
  for (int i = 0; i < 300; ++i) {
    now += kWrap - 1ns;
    EXPECT_FALSE(over(now));
    table_.client_sent(session, 1, now);
  }
  EXPECT_EQ(session.opened(), Time{1h});  // 40 years ago
  EXPECT_TRUE(over(now + kWrap));
}

TEST_F(SessionTimeTest, HasABoundOfTheIdleTime) {
  Session& session = add_assured(Duration::max(), Time{1h});
  EXPECT_EQ(session.idle(), Session::kLongestIdle);
  EXPECT_FALSE(over(Time{1h} + Session::kLongestIdle - 1ns));
  table_.set_idle(session, -1s);
  EXPECT_EQ(session.idle(), 0s);
  table_.set_idle(session, 5s);
  EXPECT_FALSE(over(Time{1h} + 5s - 1ns));
  EXPECT_TRUE(over(Time{1h} + 5s));
}

}  // namespace
}  // namespace penstock
