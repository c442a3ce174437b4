// penstockctl's HTTP against the real admin server, and against servers that misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <thread>

#include "admin/server.h"
#include "penstockctl/http_daemon.h"
#include "temp_dir.h"

namespace penstock::ctl {
namespace {

namespace asio = boost::asio;
using penstock::test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

class RealServerTest : public testing::Test {
 protected:
  RealServerTest() {
    router_.add("POST", "/echo",
                [](const AdminRequest& request, AdminReply reply) { reply.json_text(request.body, 201); });
    router_.add("GET", "/large",
                [](const AdminRequest&, AdminReply reply) { reply.json_text(std::string(3 << 20, 'x')); });
    const auto listening = server_.listen_unix(path_);
    EXPECT_TRUE(listening);
    thread_ = std::thread{[this] { io_.run(); }};
  }
  ~RealServerTest() override {
    stop();
    thread_.join();
  }
  void stop() {
    asio::post(io_, [this] { server_.stop(); });
    keep_running_.reset();
  }

  TempDir dir_;
  const std::string path_ = dir_ / "admin.sock";
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> keep_running_ = asio::make_work_guard(io_);
  Router router_;
  EventLog log_;
  AdminServer server_{io_, router_, log_};
  std::thread thread_;
};

TEST_F(RealServerTest, AsksAndReadsTheWholeAnswer) {
  const auto daemon = make_http_daemon(path_);

  const auto echo = daemon->ask({"POST", "/echo", std::string(100'000, 'y')}, {});
  ASSERT_TRUE(echo) << echo.error().what;
  EXPECT_EQ(echo->status, 201u);
  EXPECT_EQ(echo->body, std::string(100'000, 'y') + "\n");
  EXPECT_EQ(daemon->ask({"GET", "/large"}, {})->body.size(), (3u << 20) + 1);
  EXPECT_EQ(daemon->ask({"GET", "/none"}, {})->status, 404u);
}

TEST_F(RealServerTest, ARefusalGoesNotToTheSink) {
  int lines = 0;
  const auto answer = make_http_daemon(path_)->ask({"GET", "/none"}, [&](std::string_view) { ++lines; });
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->body, HasSubstr("there is nothing at /none"));
  EXPECT_EQ(lines, 0);
}

TEST_F(RealServerTest, ReadsAnEarlyRefusalOfALargeBody) {
  const auto answer = make_http_daemon(path_)->ask({"POST", "/echo", std::string((1 << 20) + 1, 'y')}, {});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 413u);
}

TEST_F(RealServerTest, FollowsEventsUntilTheServerEndsThem) {
  std::atomic<bool> seen_enough = false;
  std::thread publisher{[&] {
    for (int i = 0; !seen_enough; ++i) {
      log_.publish("edge_added", {{"id", i}});
      std::this_thread::yield();
    }
  }};
  std::vector<std::uint64_t> numbers;
  const auto answer =
      make_http_daemon(path_)->ask({"GET", "/v1/events?follow=1"}, [&](std::string_view line) {
        numbers.push_back(boost::json::parse(line).at("seq").to_number<std::uint64_t>());
        if (numbers.size() == 3) {
          seen_enough = true;
          stop();
        }
      });
  publisher.join();

  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 200u);
  ASSERT_GE(numbers.size(), 3u);
  EXPECT_EQ(numbers[1], numbers[0] + 1);
  EXPECT_EQ(numbers[2], numbers[0] + 2);
}

TEST_F(RealServerTest, AStreamWithoutHeartbeatIsGivenUp) {
  HttpDeadlines deadlines;
  deadlines.silence = 10ms;  // the server's heart beats every 15 s
  const auto answer =
      make_http_daemon(path_, deadlines)->ask({"GET", "/v1/events?follow=1"}, [](std::string_view) {});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().what, HasSubstr("does not answer in time"));
}

/// Answers one connection with fixed bytes and, unless `hold`, closes it.
class OtherProgram {
 public:
  OtherProgram(const std::string& path, std::string bytes, bool hold = false)
      : listener_{*UnixListener::open(path)},
        socket_{listener_.take_socket()},
        thread_{[this, bytes = std::move(bytes), hold] {
          pollfd wait{socket_.get(), POLLIN, 0};
          if (poll(&wait, 1, 10'000) != 1) return;
          connection_ = FileDescriptor{accept(socket_.get(), nullptr, nullptr)};
          std::array<char, 4096> request;
          recv(connection_.get(), request.data(), request.size(), 0);
          send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
          if (!hold) connection_.reset();
        }} {}
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;
  ~OtherProgram() { thread_.join(); }

 private:
  UnixListener listener_;
  FileDescriptor socket_;
  FileDescriptor connection_;
  std::thread thread_;
};

TEST(HttpDaemon, SaysWhatIsWrongWithAnAnswer) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "closed the connection before it had answered"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "closed the connection before it had answered"},
      {"220 mail.example ESMTP\r\n\r\n", "is another program behind the socket?"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       "is another program behind the socket?"},
  };
  for (const auto& [bytes, what] : rows) {
    const TempDir dir;
    const OtherProgram other{dir / "a", bytes};
    const auto answer = make_http_daemon(dir / "a")->ask({"GET", "/"}, {});
    ASSERT_FALSE(answer) << bytes;
    EXPECT_THAT(answer.error().what, HasSubstr(what)) << bytes;
  }
}

TEST(HttpDaemon, DoesNotWaitForEver) {
  const TempDir dir;
  const OtherProgram other{dir / "a", "HTTP/1.1 200 OK\r\nContent-Le", true};
  HttpDeadlines deadlines;
  deadlines.whole = 20ms;

  const auto answer = make_http_daemon(dir / "a", deadlines)->ask({"GET", "/"}, {});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, make_error_code(Errc::kUnavailable));
  EXPECT_THAT(answer.error().what, HasSubstr("does not answer in time"));
}

TEST(HttpDaemon, CutsAStreamIntoLinesWithoutHeartbeats) {
  const TempDir dir;
  const OtherProgram other{dir / "a",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "2\r\n\n{\r\n1\r\n\n\r\n1\r\n}\r\n6\r\n{}\n\n\n[\r\n1\r\n\n\r\n0\r\n\r\n"};
  std::vector<std::string> lines;
  const auto answer = make_http_daemon(dir / "a")->ask(
      {"GET", "/"}, [&](std::string_view line) { lines.emplace_back(line); });
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_THAT(lines, ElementsAre("{", "}{}", "["));
}

TEST(HttpDaemon, RefusesALineThatNeverEnds) {
  const TempDir dir;
  const OtherProgram other{dir / "a",
                           "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + std::string(2000000, 'x')};
  const auto answer = make_http_daemon(dir / "a")->ask({"GET", "/"}, [](std::string_view) {});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().what, HasSubstr("a line that never ends"));
}

TEST(HttpDaemon, SaysWhatToDoAboutTheSocket) {
  const TempDir dir;
  ASSERT_TRUE(write_file(dir / "file", "", 0600));
  {
    auto dead = *UnixListener::open(dir / "dead");
    ASSERT_EQ(link((dir / "dead").c_str(), (dir / "stale").c_str()), 0);
  }
  const std::pair<std::string, const char*> rows[] = {
      {dir / "none", "is penstockd running? Its admin.socket is told by --socket PATH"},
      {dir / "file/below", "is penstockd running?"},
      {dir / "stale", "nobody answers on"},
      {dir / "file", "nobody answers on"},
      {std::string(200, 'x'), "1 to 107 characters"},
      {"", "1 to 107 characters"},
  };
  for (const auto& [path, what] : rows) {
    const auto answer = make_http_daemon(path)->ask({"GET", "/"}, {});
    ASSERT_FALSE(answer) << path;
    EXPECT_THAT(answer.error().what, HasSubstr(what)) << path;
  }
}

TEST(HttpDaemon, SaysThatASocketNeedsItsOwner) {
  const TempDir dir;  // nobody else may enter
  const auto listener = UnixListener::open(dir / "a");
  ASSERT_EQ(chmod((dir / "a").c_str(), 0), 0);
  const uid_t own = geteuid();
  constexpr uid_t kNobody = 65534;
  if (own == 0) {
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  const auto answer = make_http_daemon(dir / "a")->ask({"GET", "/"}, {});
  ASSERT_EQ(seteuid(own), 0);

  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().what, HasSubstr("with sudo"));
}

}  // namespace
}  // namespace penstock::ctl
