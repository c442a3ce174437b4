// What udp-load and udp-echo say must be true: each answer counted once, under its right name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "flowload/datagrams.h"
#include "flowload/socket.h"
#include "flowload/udp_echo.h"
#include "flowload/udp_load.h"
#include "flowload/udp_wire.h"
#include "flowload/unanswered.h"

namespace penstock::flowload {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const Time kStart = Time{} + std::chrono::hours{1};

TEST(UnansweredTest, CountsEachAnswerOnce) {
  Unanswered unanswered{2};
  unanswered.sent(3, kStart);
  EXPECT_EQ(unanswered.session_of(2), 0u);
  EXPECT_EQ(unanswered.waiting(), 3u);
  unanswered.answered(1, kStart + milliseconds{5});
  unanswered.answered(1, kStart + milliseconds{6});
  unanswered.answered(0, kStart + milliseconds{7});
  unanswered.answered(3, kStart + milliseconds{7});  // was never sent
  const UdpCounts& counts = unanswered.counts();
  EXPECT_EQ(counts.sent, 3u);
  EXPECT_EQ(counts.answered, 2u);
  EXPECT_EQ(counts.duplicates, 1u);
  EXPECT_EQ(counts.stray, 1u);
  EXPECT_EQ(counts.reordered, 0u);  // 0 and 1 are of different sessions
  EXPECT_EQ(unanswered.waiting(), 1u);
  EXPECT_EQ(unanswered.round_trips().count(), 2u);
  EXPECT_EQ(unanswered.round_trips().max(), milliseconds{7});
}

TEST(UnansweredTest, SeesOrderWithinASession) {
  Unanswered unanswered{2};
  unanswered.sent(6, kStart);
  for (const std::uint64_t number : {4, 1, 0, 3, 2, 5}) unanswered.answered(number, kStart);
  EXPECT_EQ(unanswered.counts().answered, 6u);
  EXPECT_EQ(unanswered.counts().reordered, 2u);  // 0 and 2 after 4
  EXPECT_EQ(unanswered.oldest(), kNever);
}

TEST(UnansweredTest, TellsLateFromSecondAnswers) {
  Unanswered unanswered{1};
  unanswered.sent(1, kStart);
  unanswered.sent(1, kStart + milliseconds{1});
  unanswered.give_up(kStart + milliseconds{1});
  EXPECT_EQ(unanswered.waiting(), 1u);
  EXPECT_EQ(unanswered.oldest(), kStart + milliseconds{1});
  unanswered.answered(0, kStart + milliseconds{300});
  unanswered.answered(0, kStart + milliseconds{301});
  EXPECT_EQ(unanswered.counts().late, 1u);
  EXPECT_EQ(unanswered.counts().duplicates, 1u);
  EXPECT_EQ(unanswered.counts().answered, 0u);
}

TEST(UnansweredTest, GivesUpTheOldestForRoom) {
  Unanswered unanswered{1};
  unanswered.sent(Unanswered::kMost, kStart);
  unanswered.answered(1, kStart);
  unanswered.sent(1, kStart + milliseconds{1});
  EXPECT_EQ(unanswered.waiting(), Unanswered::kMost - 1);
  unanswered.answered(0, kStart);
  EXPECT_EQ(unanswered.counts().late, 1u);  // its place is another's now
  EXPECT_EQ(unanswered.waiting(), Unanswered::kMost - 1);
  unanswered.answered(Unanswered::kMost, kStart + milliseconds{2});
  EXPECT_EQ(unanswered.counts().answered, 2u);
}

TEST(UdpWireTest, HeadComesBack) {
  const DatagramHead head{.run = 0x01020304, .session = 70'000, .number = 0x0102030405060708};
  const auto bytes = encode(head);
  EXPECT_EQ(decode_datagram_head(bytes), head);
  EXPECT_FALSE(decode_datagram_head(Bytes{bytes}.first(bytes.size() - 1)));
}

std::string proxied(std::string_view payload) {
  std::string out{"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c", 16};
  return out.append(12, 'a').append(payload);
}

TEST(UdpWireTest, FindsWhatFollowsAProxyHeader) {
  const std::string whole = proxied("data");
  EXPECT_EQ(as_text(*behind_proxy_header(as_bytes(whole))), "data");
  EXPECT_TRUE(behind_proxy_header(as_bytes(proxied("")))->empty());
  for (const std::size_t size : {0u, 15u, 27u})
    EXPECT_FALSE(behind_proxy_header(as_bytes(whole.substr(0, size))));
  std::string other = whole;
  other[12] = '\x11';  // version 1
  EXPECT_FALSE(behind_proxy_header(as_bytes(other)));
  other = whole;
  other[3] = 'x';
  EXPECT_FALSE(behind_proxy_header(as_bytes(other)));
}

/// Runs a command and gives back its last report.
std::pair<bool, std::string> report_of(Result<bool> (*command)(const Options&), const Options& options) {
  ::testing::internal::CaptureStdout();
  const auto done = command(options);
  std::string printed = ::testing::internal::GetCapturedStdout();
  EXPECT_TRUE(done) << done.error().what;
  return {done && *done, std::move(printed)};
}

/// A number of a report.
std::uint64_t number_in(const std::string& report, const std::string& key) {
  const std::size_t at = report.find("\"" + key + "\":");
  EXPECT_NE(at, std::string::npos) << key << " in " << report;
  return at == std::string::npos ? 0 : std::stoull(report.substr(at + key.size() + 3));
}

/// Two ports in a row whose datagrams the test answers, on a thread of its own.
class UdpLoadTest : public ::testing::Test {
 protected:
  /// What to do with a datagram that came to a port (0 or 1): send answers through `from` of them.
  using Answer = std::function<void(std::size_t port, const ReceivedBatch& batch, std::size_t index)>;

  void serve(Answer answer) {
    bind_ports();
    thread_ = std::thread{[this, answer = std::move(answer)] {
      ReceivedBatch batch{2048};
      while (!stop_) {
        for (std::size_t port = 0; port < 2; ++port) {
          const std::size_t count = batch.receive(ports_[port].get());
          for (std::size_t i = 0; i < count; ++i) answer(port, batch, i);
        }
        std::this_thread::yield();
      }
    }};
  }

  void TearDown() override {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  void bind_ports() {
    for (int attempt = 0; attempt < 100; ++attempt) {
      auto first = bind_datagrams({.address = IpAddress::v4(INADDR_LOOPBACK), .port = 0}, 1 << 20);
      ASSERT_TRUE(first) << first.error().what;
      at_ = local_endpoint(first->get());
      if (at_.port == 65535) continue;
      auto second =
          bind_datagrams({.address = at_.address, .port = static_cast<std::uint16_t>(at_.port + 1)}, 1 << 20);
      if (!second) continue;  // another has it
      ports_[0] = std::move(*first);
      ports_[1] = std::move(*second);
      return;
    }
    FAIL() << "no two ports in a row";
  }

  void send(std::size_t port, const ReceivedBatch& batch, std::size_t index, Bytes bytes) {
    SendBatch answers;
    answers.add(batch.peer(index), nullptr, bytes, {});
    EXPECT_EQ(answers.send(ports_[port].get()), 1u);
  }

  Options load(std::uint32_t sessions, std::uint32_t datagrams) const {
    return {
        .connect = at_, .seconds = 5, .ports = 2, .sessions = sessions, .window = 16, .datagrams = datagrams};
  }

  Endpoint at_;
  std::array<FileDescriptor, 2> ports_;

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(UdpLoadTest, SessionsAreEachAnsweredInOrder) {
  std::map<std::pair<Endpoint, std::size_t>, int> seen;  // by client and port
  serve([&](std::size_t port, const ReceivedBatch& batch, std::size_t i) {
    ++seen[{Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&batch.peer(i).address)), port}];
    EXPECT_EQ(batch.bytes(i).size(), 60u);
    send(port, batch, i, batch.bytes(i));
  });
  const auto [good, report] = report_of(run_udp_load, load(100, 1000));
  TearDown();
  EXPECT_TRUE(good);
  EXPECT_EQ(number_in(report, "answered"), 1000u);
  for (const char* key : {"lost", "late", "reordered", "duplicates", "misrouted", "damaged", "stray"})
    EXPECT_EQ(number_in(report, key), 0u) << key;
  EXPECT_EQ(seen.size(), 100u);
  for (const auto& [session, count] : seen) EXPECT_EQ(count, 10) << session.first.to_string();
}

TEST_F(UdpLoadTest, LossesDoNotStopAClosedLoop) {
  serve([&](std::size_t port, const ReceivedBatch& batch, std::size_t i) {
    if (decode_datagram_head(batch.bytes(i))->number % 50 != 7) send(port, batch, i, batch.bytes(i));
  });
  const auto [good, report] = report_of(run_udp_load, load(10, 1000));
  EXPECT_TRUE(good);
  EXPECT_EQ(number_in(report, "lost"), 20u);
  EXPECT_EQ(number_in(report, "answered"), 980u);
}

TEST_F(UdpLoadTest, AnAnswerToAnotherSessionIsAFailure) {
  serve([&](std::size_t port, const ReceivedBatch& batch, std::size_t i) {
    const bool other = decode_datagram_head(batch.bytes(i))->number == 20;
    send(other ? 1 - port : port, batch, i, batch.bytes(i));
  });
  const auto [good, report] = report_of(run_udp_load, load(10, 100));
  EXPECT_FALSE(good);
  EXPECT_EQ(number_in(report, "misrouted"), 1u);
  EXPECT_EQ(number_in(report, "answered"), 99u);
}

TEST_F(UdpLoadTest, SecondAndDamagedAnswersAreCounted) {
  serve([&](std::size_t port, const ReceivedBatch& batch, std::size_t i) {
    std::vector<std::byte> answer{batch.bytes(i).begin(), batch.bytes(i).end()};
    const std::uint64_t number = decode_datagram_head(answer)->number;
    if (number == 3) answer.back() = std::byte{0};
    if (number == 4) answer.resize(59);
    if (number == 5) send(port, batch, i, answer);
    send(port, batch, i, answer);
    if (number == 6) send(port, batch, i, Bytes{answer}.first(5));
  });
  const auto [good, report] = report_of(run_udp_load, load(10, 100));
  EXPECT_FALSE(good);
  EXPECT_EQ(number_in(report, "damaged"), 2u);
  EXPECT_EQ(number_in(report, "duplicates"), 1u);
  EXPECT_EQ(number_in(report, "stray"), 1u);
  EXPECT_EQ(number_in(report, "answered"), 98u);
}

TEST_F(UdpLoadTest, MixedSizesAreOfAllLengths) {
  std::map<std::size_t, int> seen;
  serve([&](std::size_t port, const ReceivedBatch& batch, std::size_t i) {
    ++seen[batch.bytes(i).size()];
    send(port, batch, i, batch.bytes(i));
  });
  Options options = load(10, 3000);
  options.mixed = true;
  const auto [good, report] = report_of(run_udp_load, options);
  TearDown();
  EXPECT_TRUE(good);
  EXPECT_EQ(number_in(report, "answered"), 3000u);
  EXPECT_EQ(seen.begin()->first, 16u);
  EXPECT_EQ(seen.rbegin()->first, 60u);
  EXPECT_EQ(seen.size(), 45u);
  for (const auto& [size, count] : seen) EXPECT_GT(count, 30) << size;
}

TEST_F(UdpLoadTest, ARateIsKept) {
  serve([&](std::size_t port, const ReceivedBatch& batch, std::size_t i) {
    send(port, batch, i, batch.bytes(i));
  });
  Options options = load(4, 0);
  options.window = 0;
  options.rate = 2000;
  options.seconds = 1;
  const auto [good, report] = report_of(run_udp_load, options);
  EXPECT_TRUE(good);
  EXPECT_LE(number_in(report, "sent"), 2001u);
  EXPECT_GE(number_in(report, "sent"), 1000u);  // a busy machine may be late once
}

TEST_F(UdpLoadTest, RefusesPortsBeyondTheLast) {
  Options options{
      .connect = {.address = IpAddress::v4(INADDR_LOOPBACK), .port = 65535}, .seconds = 1, .ports = 2};
  EXPECT_THAT(run_udp_load(options).error().what, HasSubstr("beyond port 65535"));
  options = {.connect = {.address = IpAddress::v4(INADDR_LOOPBACK), .port = 9}, .seconds = 1, .sessions = 2};
  options.first_port = 65535;
  EXPECT_THAT(run_udp_load(options).error().what, HasSubstr("lower --first-port"));
}

/// An echo for one second on a port that was free just now.
class UdpEchoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto probe = bind_datagrams({.address = IpAddress::v4(0), .port = 0}, 0);
    ASSERT_TRUE(probe) << probe.error().what;
    options_.listen = local_endpoint(probe->get());
    auto client = bind_datagrams({.address = IpAddress::v4(INADDR_LOOPBACK), .port = 0}, 0);
    ASSERT_TRUE(client) << client.error().what;
    client_ = std::move(*client);
    options_.seconds = 1;
  }

  /// Sends `bytes` to 127.0.0.`host` until something comes back or the time is over; empty: nothing did.
  std::string ask(std::uint32_t host, std::string_view bytes) {
    const Endpoint to{.address = IpAddress::v4(0x7f000000 + host), .port = options_.listen.port};
    Peer peer{};
    peer.length = to.to_sockaddr(peer.address);
    const Time end = Clock::now() + milliseconds{400};
    while (Clock::now() < end) {
      SendBatch batch;
      batch.add(peer, nullptr, as_bytes(bytes), {});
      batch.send(client_.get());
      pollfd readable{.fd = client_.get(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, 5);
      if (answers_.receive(client_.get()) == 0) continue;
      EXPECT_EQ(Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&answers_.peer(0).address)), to);
      return std::string{as_text(answers_.bytes(0))};
    }
    return "";
  }

  Options options_;
  FileDescriptor client_;
  ReceivedBatch answers_{2048};
};

TEST_F(UdpEchoTest, AnswersFromTheAddressThatWasAsked) {
  std::string first;
  std::string second;
  std::thread client{[&] {
    first = ask(1, "one");
    while (answers_.receive(client_.get()) > 0) {
    }
    second = ask(7, "two");
  }};
  const auto [good, report] = report_of(run_udp_echo, options_);
  client.join();
  EXPECT_TRUE(good);
  EXPECT_EQ(first, "one");
  EXPECT_EQ(second, "two");
  EXPECT_EQ(number_in(report, "bytes"), 3 * number_in(report, "received"));
}

TEST_F(UdpEchoTest, StripsTheProxyHeader) {
  options_.proxy_v2 = true;
  std::string answer;
  std::string none;
  std::thread client{[&] {
    answer = ask(1, proxied("data"));
    while (answers_.receive(client_.get()) > 0) {
    }
    none = ask(1, "data");
  }};
  const auto [good, report] = report_of(run_udp_echo, options_);
  client.join();
  EXPECT_EQ(answer, "data");
  EXPECT_EQ(none, "");
  EXPECT_GT(number_in(report, "unproxied"), 0u);
}

TEST_F(UdpEchoTest, ASinkSendsNothingBack) {
  options_.sink = true;
  std::string answer;
  std::thread client{[&] { answer = ask(1, "data"); }};
  const auto [good, report] = report_of(run_udp_echo, options_);
  client.join();
  EXPECT_EQ(answer, "");
  EXPECT_GT(number_in(report, "received"), 0u);
}

}  // namespace
}  // namespace penstock::flowload
