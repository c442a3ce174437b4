#include "admin/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <thread>

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using namespace std::chrono_literals;

class EventLogTest : public testing::Test {
 protected:
  static std::vector<std::string> texts(const std::vector<EventLine>& lines) {
    std::vector<std::string> out;
    for (const auto& line : lines) out.push_back(*line);
    return out;
  }

  EventLog::WallTime now_{1715000000123ms};
  EventLog log_{[this] { return now_; }};
};

TEST_F(EventLogTest, WritesOneLineOfJsonWithTimeAndNumber) {
  log_.publish("edge_connected", {{"id", "fra1"}, {"carriers", 2}});
  log_.publish("draining");

  EXPECT_THAT(
      texts(log_.kept()),
      ElementsAre(
          R"({"time":"2024-05-06T12:53:20.123Z","seq":1,"event":"edge_connected","id":"fra1","carriers":2})",
          R"({"time":"2024-05-06T12:53:20.123Z","seq":2,"event":"draining"})"));
}

TEST_F(EventLogTest, FieldsCannotTakeThePlaceOfItsOwn) {
  log_.publish("reloaded", {{"event", "x"}, {"seq", 0}, {"time", ""}, {"a", "b\n"}});

  EXPECT_THAT(texts(log_.kept()),
              ElementsAre(R"({"time":"2024-05-06T12:53:20.123Z","seq":1,"event":"reloaded","a":"b\n"})"));
}

TEST_F(EventLogTest, ReplacesFieldsThatAreTooLarge) {
  log_.publish("reloaded", {{"text", std::string(EventLog::kMaxFields, 'x')}});

  EXPECT_THAT(*log_.kept()[0], EndsWith(R"("event":"reloaded","truncated":true})"));
}

TEST_F(EventLogTest, KeepsTheLast) {
  for (std::size_t i = 0; i < EventLog::kKept + 3; ++i) log_.publish("ports_changed");

  const auto kept = log_.kept();
  ASSERT_EQ(kept.size(), EventLog::kKept);
  EXPECT_THAT(*kept.front(), HasSubstr("\"seq\":4,"));
  EXPECT_THAT(*kept.back(), HasSubstr("\"seq\":1027,"));
}

TEST_F(EventLogTest, AFollowerHearsOnlyOfWhatIsNewAndIsWokenOnceBetweenReads) {
  log_.publish("draining");
  int woken = 0;
  const auto follower = log_.follow([&] { ++woken; });
  EXPECT_TRUE(follower->take(10).empty());

  log_.publish("edge_added", {{"id", "a"}});
  log_.publish("edge_removed", {{"id", "a"}});

  EXPECT_EQ(woken, 1);
  EXPECT_THAT(texts(follower->take(10)), ElementsAre(HasSubstr("edge_added"), HasSubstr("edge_removed")));
  log_.publish("edge_added", {{"id", "b"}});
  EXPECT_EQ(woken, 2);
}

TEST_F(EventLogTest, IsNotWokenForWhatItLeftInTheQueue) {
  int woken = 0;
  const auto follower = log_.follow([&] { ++woken; });
  for (int i = 0; i < 3; ++i) log_.publish("edge_added");

  EXPECT_EQ(follower->take(2).size(), 2u);
  log_.publish("edge_added");
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(follower->take(9).size(), 2u);
  log_.publish("edge_added");
  EXPECT_EQ(woken, 2);
}

TEST_F(EventLogTest, ASlowFollowerLosesTheOldestAndIsTold) {
  const auto slow = log_.follow([] {});
  const auto quick = log_.follow([] {});
  for (std::size_t i = 0; i < EventLog::kQueued + 5; ++i) {
    log_.publish("stream_opened");
    EXPECT_EQ(quick->take(2).size(), 1u);
  }

  const auto first = texts(slow->take(2));
  EXPECT_THAT(first, ElementsAre(R"({"time":"2024-05-06T12:53:20.123Z","event":"events_lost","count":5})",
                                 HasSubstr("\"seq\":6,")));
  EXPECT_EQ(slow->take(2000).size(), EventLog::kQueued - 1);
}

TEST_F(EventLogTest, NothingWakesAFollowerThatIsGone) {
  int woken = 0;
  log_.follow([&] { ++woken; }).reset();

  log_.publish("draining");

  EXPECT_EQ(woken, 0);
}

TEST_F(EventLogTest, BoundsWhatStrangersCauseAndReportsTheRestOnce) {
  for (std::uint32_t i = 0; i < EventLog::kStrangersRate + 7; ++i) log_.publish_limited("auth_failed");
  EXPECT_EQ(log_.kept().size(), EventLog::kStrangersRate);
  log_.publish_limited("limit_reached");  // each name has its own bound
  EXPECT_EQ(log_.kept().size(), EventLog::kStrangersRate + 1);

  now_ += 1s;
  log_.publish_limited("auth_failed");

  const auto kept = texts(log_.kept());
  ASSERT_EQ(kept.size(), EventLog::kStrangersRate + 3);
  EXPECT_THAT(kept[kept.size() - 2],
              EndsWith(R"("event":"events_suppressed","name":"auth_failed","count":7})"));
  EXPECT_THAT(kept.back(), HasSubstr("auth_failed"));
}

TEST_F(EventLogTest, ReportsSuppressedEventsAlsoWhenNothingMoreHappens) {
  const auto follower = log_.follow([] {});
  for (std::uint32_t i = 0; i < EventLog::kStrangersRate + 1; ++i) log_.publish_limited("auth_failed");
  EXPECT_EQ(follower->take(1000).size(), EventLog::kStrangersRate);

  now_ += 1s;

  EXPECT_THAT(texts(follower->take(1000)), ElementsAre(HasSubstr("events_suppressed")));
}

TEST_F(EventLogTest, AClockThatGoesBackBeginsANewSecond) {
  for (std::uint32_t i = 0; i < EventLog::kStrangersRate + 1; ++i) log_.publish_limited("auth_failed");

  now_ -= 1h;
  log_.publish_limited("auth_failed");

  EXPECT_THAT(*log_.kept().back(), HasSubstr("auth_failed"));
  EXPECT_THAT(*log_.kept().back(), HasSubstr("T11:53"));
}

TEST_F(EventLogTest, ManyThreadsPublishWithoutLosingANumber) {
  constexpr int kThreads = 4;
  const auto follower = log_.follow([] {});
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      for (int k = 0; k < 200; ++k) log_.publish("carrier_up", {{"index", k}});
    });
  }
  for (auto& thread : threads) thread.join();

  const auto lines = texts(follower->take(2000));
  ASSERT_EQ(lines.size(), 200u * kThreads);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(boost::json::parse(lines[i]).at("seq").to_number<std::size_t>(), i + 1);
  }
}

TEST(Rfc3339, PadsEveryPart) {
  EXPECT_EQ(to_rfc3339(EventLog::WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(EventLog::WallTime{std::chrono::sys_days{std::chrono::February / 29 / 2028} + 23h +
                                          59min + 59s + 7ms}),
            "2028-02-29T23:59:59.007Z");
  EXPECT_EQ(to_rfc3339(EventLog::WallTime{-1ms}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace penstock
