// What flowload says must be true: its percentiles against sorted values, its byte counts against both ends'
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "flowload/bulk_wire.h"
#include "flowload/distribution.h"
#include "flowload/echo_flow.h"
#include "flowload/options.h"
#include "flowload/poller.h"
#include "flowload/report.h"
#include "flowload/socket.h"

namespace penstock::flowload {
namespace {

using std::chrono::nanoseconds;
using ::testing::HasSubstr;

TEST(DistributionTest, IsWithinOnePercentOfTheSortedValues) {
  std::mt19937_64 random{7};
  std::lognormal_distribution<double> draw{11.0, 2.5};  // from nanoseconds to minutes
  Distribution distribution;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::int64_t>(draw(random)));
    distribution.add(nanoseconds{values.back()});
  }
  std::ranges::sort(values);
  for (const double rank : {0.001, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto at = static_cast<std::size_t>(std::ceil(rank * 20'000)) - 1;
    const auto exact = static_cast<double>(values[at]);
    const auto got = static_cast<double>(distribution.percentile(rank).count());
    EXPECT_GE(got, exact) << rank;
    EXPECT_LE(got, exact * 1.01 + 1) << rank;
  }
  EXPECT_EQ(distribution.count(), 20'000u);
  EXPECT_EQ(distribution.max(), nanoseconds{values.back()});
}

TEST(DistributionTest, HoldsTheExtremes) {
  Distribution distribution;
  EXPECT_EQ(distribution.percentile(0.5), nanoseconds{0});
  distribution.add(nanoseconds{-5});  // a clock that stepped back counts as no time
  distribution.add(nanoseconds{127});
  distribution.add(nanoseconds{128});
  distribution.add(nanoseconds::max());
  EXPECT_EQ(distribution.percentile(0.25), nanoseconds{0});
  EXPECT_EQ(distribution.percentile(0.5), nanoseconds{127});
  EXPECT_EQ(distribution.percentile(0.75), nanoseconds{128});
  EXPECT_EQ(distribution.percentile(1), nanoseconds::max());
}

TEST(BulkWireTest, HeaderComesBack) {
  for (const Direction direction : {Direction::kUp, Direction::kDown, Direction::kBoth}) {
    const BulkHeader header{.direction = direction, .bytes_per_second = 0x0102030405060708};
    EXPECT_EQ(*decode_header(encode(header)), header);
    EXPECT_EQ(parse_direction(to_string(direction)), direction);
  }
}

TEST(BulkWireTest, RefusesWhatIsNoHeader) {
  auto bytes = encode(BulkHeader{});
  bytes[7] = std::byte{4};
  EXPECT_THAT(decode_header(bytes).error().what, HasSubstr("unknown direction"));
  bytes[0] = std::byte{'P'};
  EXPECT_THAT(decode_header(bytes).error().what, HasSubstr("does not begin with the header"));
}

TEST(BulkWireTest, PayloadIsNoTrailer) {
  EXPECT_EQ(*decode_trailer(encode_trailer(123'456'789'012)), 123'456'789'012u);
  EXPECT_THAT(decode_trailer(bulk_payload().first(kBulkTrailerSize)).error().what, HasSubstr("cut"));
}

const Command kRate{.name = "rate",
                    .summary = "of the test",
                    .required = {"connect"},
                    .optional = {"seconds", "concurrency", "sources", "sink"},
                    .defaults = {.seconds = 10},
                    .run = nullptr};

TEST(OptionsTest, ReadsBothForms) {
  const std::vector<const char*> arguments{"--connect=[::1]:80", "--sink", "--concurrency", "16",
                                           "--sources=127.0.0.2,127.0.0.3"};
  const auto options = parse_options(kRate, arguments);
  ASSERT_TRUE(options) << options.error().what;
  EXPECT_EQ(options->connect.to_string(), "[::1]:80");
  EXPECT_EQ(options->seconds, 10u);
  EXPECT_EQ(options->concurrency, 16u);
  EXPECT_TRUE(options->sink);
  EXPECT_EQ(options->source_of(3)->to_string(), "127.0.0.3");
}

TEST(OptionsTest, RefusesWhatItCannotUse) {
  const struct {
    std::vector<const char*> arguments;
    const char* complaint;
  } cases[] = {
      {{}, "rate needs --connect"},
      {{"--connect"}, "--connect needs a value"},
      {{"--connect", "localhost:80"}, "--connect localhost:80: "},
      {{"--connect", "127.0.0.1:80", "--seconds", "0"}, "--seconds 0: must be a number from 1 to 86400"},
      {{"--connect", "127.0.0.1:80", "--seconds", "1", "--seconds", "2"}, "--seconds is given twice"},
      {{"--connect", "127.0.0.1:80", "--flows", "2"}, "rate does not take '--flows'"},
      {{"--connect", "127.0.0.1:80", "--sources", "127.0.0.1,"}, "--sources 127.0.0.1,: "},
      {{"--connect", "127.0.0.1:80", "now"}, "rate does not take 'now'"},
      {{"--connect", "127.0.0.1:80", "--sink=yes"}, "--sink takes no value"},
  };
  for (const auto& one : cases) {
    const auto options = parse_options(kRate, one.arguments);
    ASSERT_FALSE(options) << one.complaint;
    EXPECT_THAT(options.error().what, HasSubstr(one.complaint));
  }
}

TEST(OptionsTest, HelpNamesEveryOption) {
  const std::string page = help(kRate);
  for (const char* option : {"--connect", "--seconds", "--concurrency", "--sources"})
    EXPECT_THAT(page, HasSubstr(option));
}

TEST(ReportTest, IsOneLineOfJson) {
  Report report{"done"};
  report.add("flows", 3u).add("seconds", 1.5).add("first_error", "a \"b\" \\ \n");
  EXPECT_EQ(report.json(), R"({"event":"done","flows":3,"seconds":1.500,"first_error":"a \"b\" \\ \\x0a"})");
}

/// A listener whose accepted flows the test answers by hand, and one flow towards it.
class EchoFlowTest : public ::testing::Test, public EchoFlowOwner {
 protected:
  void SetUp() override {
    auto listener = listen_on({.address = IpAddress::v4(INADDR_LOOPBACK), .port = 0});
    ASSERT_TRUE(listener) << listener.error().what;
    listener_ = std::move(*listener);
    flow_.open(local_endpoint(listener_.get()), std::nullopt);
    run_until([this] { return flow_.step() == EchoStep::kEchoing; });
    auto peer = accept_one(listener_.get());
    ASSERT_TRUE(peer && *peer);
    peer_ = std::move(*peer);
  }

  void on_echo(EchoFlow&) override { ++echoes_; }
  void on_ended(EchoFlow&) override { ++ends_; }
  void on_failed(EchoStep step, const Error& error) override {
    failed_at_ = step;
    failure_ = error.what;
  }

  template <class Condition>
  void run_until(Condition condition) {
    const Time end = Clock::now() + std::chrono::seconds{5};
    while (!condition() && Clock::now() < end) ASSERT_TRUE(poller_.wait(end));
    ASSERT_TRUE(condition());
  }

  /// What the flow sent, sent back with `change` added to it.
  void answer(int change) {
    char byte = 0;
    ASSERT_EQ(recv(peer_.get(), &byte, 1, 0), 1);
    byte = static_cast<char>(byte + change);
    ASSERT_EQ(send(peer_.get(), &byte, 1, 0), 1);
  }

  void run_until_failed() {
    run_until([this] { return failed_at_.has_value(); });
    EXPECT_EQ(flow_.step(), EchoStep::kClosed);
  }

  Poller poller_;
  EchoFlow flow_{poller_, *this};
  FileDescriptor listener_;
  FileDescriptor peer_;
  int echoes_ = 0;
  int ends_ = 0;
  std::optional<EchoStep> failed_at_;
  std::string failure_;
};

TEST_F(EchoFlowTest, OpensEchoesAndEnds) {
  answer(0);
  run_until([this] { return echoes_ == 1; });
  flow_.echo();
  answer(0);
  run_until([this] { return echoes_ == 2; });
  flow_.end();
  EXPECT_EQ(ends_, 0);
  peer_.reset();
  run_until([this] { return ends_ == 1; });
  EXPECT_EQ(flow_.step(), EchoStep::kClosed);
  EXPECT_FALSE(failed_at_) << failure_;
}

TEST_F(EchoFlowTest, FailsOnAnotherByte) {
  answer(1);
  run_until_failed();
  EXPECT_THAT(failure_, HasSubstr("echo: the peer sent what it was not sent"));
}

TEST_F(EchoFlowTest, FailsWhenThePeerEndsFirst) {
  answer(0);
  run_until([this] { return echoes_ == 1; });
  peer_.reset();
  run_until_failed();
  EXPECT_EQ(failed_at_, EchoStep::kOpen);
  EXPECT_THAT(failure_, HasSubstr("open flow: the peer ended the flow"));
}

TEST_F(EchoFlowTest, FailsWhenNothingComesBackInTime) {
  flow_.check(flow_.since() + kPatience - nanoseconds{1});
  EXPECT_FALSE(failed_at_);
  flow_.check(flow_.since() + kPatience);
  EXPECT_EQ(failed_at_, EchoStep::kEchoing);
  EXPECT_THAT(failure_, HasSubstr("no answer in time"));
}

}  // namespace
}  // namespace penstock::flowload
