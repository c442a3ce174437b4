#include "flowload/ping.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>

#include "flowload/echo_flow.h"
#include "flowload/report.h"

namespace penstock::flowload {
namespace {

constexpr std::size_t kMostUnanswered = 16384;

/// Sends a byte at every tick, whether the last one is back or not: a pause is felt by all the pings that
/// fall into it. A ping's time runs from its tick.
class Ping final : public Watcher, public EchoFlowOwner {
 public:
  explicit Ping(const Options& options) : options_{options}, flow_{poller_, *this} {}

  Result<bool> run();

  void on_ready(std::uint32_t events) override;
  void on_echo(EchoFlow&) override {}
  void on_ended(EchoFlow&) override {}
  void on_failed(EchoStep, const Error& error) override { error_ = error; }

 private:
  Result<void> open();
  Result<void> send_until(Time end);
  Result<void> await_rest(Time deadline);
  Result<void> wait(Time until);
  void send_due(Time now);
  void take(Bytes bytes);

  const Options& options_;
  Poller poller_;
  EchoFlow flow_;      // until it is open
  FileDescriptor fd_;  // afterwards
  std::optional<Error> error_;
  Time next_tick_{};
  std::uint8_t next_byte_ = 0;
  std::uint8_t expected_byte_ = 0;
  std::deque<Time> unanswered_;  // when the bytes under way were sent, oldest first
  std::uint64_t sent_ = 0;
  Distribution round_trips_;
};

Result<void> Ping::wait(Time until) {
  if (!poller_.wait(until)) return error(Errc::kUnavailable, "stopped by a signal");
  if (error_) return *error_;
  return {};
}

Result<void> Ping::open() {
  flow_.open(options_.connect, options_.source_of(0));
  while (!error_ && flow_.step() != EchoStep::kOpen) {
    if (auto waited = wait(Clock::now() + kSweep); !waited) return waited;
    flow_.check(Clock::now());
  }
  if (error_) return *error_;
  fd_ = flow_.release();
  poller_.change(fd_.get(), EPOLLIN, *this);
  return {};
}

void Ping::send_due(Time now) {
  for (; !error_ && next_tick_ <= now; next_tick_ += std::chrono::milliseconds{options_.interval_ms}) {
    unanswered_.push_back(Clock::now());
    if (unanswered_.size() > kMostUnanswered) {
      error_ = error(Errc::kUnavailable, std::to_string(kMostUnanswered).append(" pings are unanswered"));
    } else if (send(fd_.get(), &next_byte_, 1, MSG_NOSIGNAL) != 1) {
      error_ = system_error("send a ping", errno);
    }
    ++next_byte_;
    ++sent_;
  }
}

void Ping::on_ready(std::uint32_t) {
  std::byte bytes[kMostUnanswered];
  const ssize_t count = recv(fd_.get(), bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) {
    error_ = system_error("receive", errno);
  } else if (count == 0) {
    error_ = error(Errc::kProtocol, "the peer ended the flow");
  } else {
    take(Bytes{bytes, static_cast<std::size_t>(count)});
  }
}

void Ping::take(Bytes bytes) {
  const Time now = Clock::now();
  for (const std::byte byte : bytes) {
    if (unanswered_.empty() || std::to_integer<std::uint8_t>(byte) != expected_byte_) {
      error_ = error(Errc::kProtocol, "the peer did not echo the bytes in order");
      return;
    }
    ++expected_byte_;
    round_trips_.add(now - unanswered_.front());
    unanswered_.pop_front();
  }
}

Result<void> Ping::send_until(Time end) {
  next_tick_ = Clock::now();
  while (next_tick_ < end) {
    send_due(Clock::now());
    if (auto waited = wait(std::min(next_tick_, end)); !waited) return waited;
  }
  return {};
}

Result<void> Ping::await_rest(Time deadline) {
  while (!unanswered_.empty() && Clock::now() < deadline) {
    if (auto waited = wait(deadline); !waited) return waited;
  }
  return {};
}

Result<bool> Ping::run() {
  if (auto opened = open(); !opened) return opened.error();
  if (auto sent = send_until(Clock::now() + std::chrono::seconds{options_.seconds}); !sent)
    return sent.error();
  if (auto answered = await_rest(Clock::now() + kPatience); !answered) return answered.error();
  Report{"done"}
      .add("sent", sent_)
      .add("answered", round_trips_.count())
      .add("interval_ms", options_.interval_ms)
      .add(round_trips_)
      .print();
  return unanswered_.empty();
}

}  // namespace

Result<bool> run_ping(const Options& options) {
  return Ping{options}.run();
}

}  // namespace penstock::flowload
