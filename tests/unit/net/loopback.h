// Real sockets on the loopback interface, on one loop that the test turns by hand.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/asio_loop.h"
#include "net/asio_network.h"
#include "net/socket_link.h"

namespace penstock {

using namespace std::chrono_literals;

/// Runs the loop until the condition holds. The limit is for a test that is broken, not a measure of
/// anything.
inline bool run_until(AsioLoop& loop, const std::function<bool()>& condition, Duration limit = 20s) {
  const Time end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > end) return false;
    loop.context().restart();
    loop.context().run_one_for(10ms);
  }
  return true;
}

/// Lets everything run that is ready.
inline void settle(AsioLoop& loop) {
  loop.context().restart();
  loop.context().poll();
}

/// Takes what is accepted.
class Acceptor final : public ListenerObserver {
 public:
  void on_connection(std::unique_ptr<Connection> connection) override {
    connections.push_back(std::move(connection));
    if (then) then();
  }
  void on_accept_failed(const boost::system::error_code& error) override { failures.push_back(error); }

  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<boost::system::error_code> failures;
  std::function<void()> then;
};

inline Endpoint loopback(std::uint16_t port) {
  return {IpAddress::v4(0x7f000001), port};
}

/// Two connected links and what they need. Ports are the kernel's choice.
class LinkPair {
 public:
  explicit LinkPair(AsioLoop& loop) : network_{loop} {
    for (std::uint16_t port = 20000; listener_ == nullptr; ++port) {
      auto made = network_.listen(loopback(port), acceptor_);
      if (made) {
        listener_ = std::move(*made);
        port_ = port;
      }
    }
    Result<std::unique_ptr<Connection>> dialled = error(Errc::kUnavailable, "not yet");
    const auto dial = network_.dial(loopback(port_),
                                    [&](Result<std::unique_ptr<Connection>> c) { dialled = std::move(c); });
    EXPECT_TRUE(run_until(loop, [&] { return dialled.has_value() && !acceptor_.connections.empty(); }));
    near = std::move(*dialled);
    far = std::move(acceptor_.connections.front());
    acceptor_.connections.clear();
  }
  AsioNetwork& network() { return network_; }

  std::unique_ptr<Connection> near;  // dialled
  std::unique_ptr<Connection> far;   // accepted

 private:
  AsioNetwork network_;
  Acceptor acceptor_;
  std::unique_ptr<Pending> listener_;
  std::uint16_t port_ = 0;
};

/// Reads everything, and writes what it was given; keeps how both ended.
class Talker final : public LinkObserver {
 public:
  explicit Talker(std::unique_ptr<Link> made) : link{std::move(made)} {
    link->observe(this);
    link->await_readable();
  }
  void write(const std::string& bytes) {
    waiting += bytes;
    on_writable();
  }
  /// Ends the direction once all is written.
  void finish_behind() {
    finishes = true;
    on_writable();
  }

  void on_readable() override {
    std::string buffer(largest_read, '\0');
    for (;;) {
      const IoResult result = link->read({reinterpret_cast<std::byte*>(buffer.data()), buffer.size()});
      received.append(buffer, 0, result.bytes);
      if (result.status == IoStatus::kBlocked) return link->await_readable();
      if (result.status == IoStatus::kEnd) ended = true;
      if (result.status == IoStatus::kFailed) failed(result.error);
      if (result.status != IoStatus::kDone) return;
    }
  }
  void on_writable() override {
    while (!waiting.empty() && !error) {
      const std::size_t size = std::min(waiting.size(), largest_write);
      const IoResult result = link->write(as_bytes(waiting).first(size), waiting.size() > size);
      waiting.erase(0, result.bytes);
      if (result.status == IoStatus::kFailed) return failed(result.error);
      if (result.bytes < size) return link->await_writable();
    }
    if (std::exchange(finishes, false)) link->finish();
  }
  void on_broken(const boost::system::error_code& why) override { failed(why); }

  std::unique_ptr<Link> link;
  std::string waiting;
  std::string received;
  std::size_t largest_read = 65536;
  std::size_t largest_write = 1 << 20;
  bool finishes = false;
  bool ended = false;
  boost::system::error_code error;
  std::string description;

 private:
  void failed(const boost::system::error_code& why) {
    error = why;
    description = link->describe(why);
  }
};

/// Bytes that show any loss or exchange of places.
inline std::string numbered(std::size_t size) {
  std::string out;
  out.reserve(size + 16);
  for (std::uint64_t i = 0; out.size() < size; ++i) out += std::to_string(i * 2654435761U) + ",";
  out.resize(size);
  return out;
}

}  // namespace penstock
