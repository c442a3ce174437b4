// One end of a simulated flow: a client, or the backend that serves it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/link.h"
#include "net/loop.h"
#include "proto/proxy_header.h"
#include "sim/pattern.h"

namespace penstock {

/// How an end behaves.
struct PeerPlan {
  std::uint64_t send = 0;  // bytes of its pattern
  bool finish = true;      // ends its direction behind them
  bool after_end = false;  // sends nothing before the other end ended
  bool echo = false;       // sends as much as it received, as it receives it, at most `send`
  bool reads = true;
  std::size_t take = 65536;  // bytes that it reads at once ...
  Duration pause{};          // ... and then waits
};

/// Sends its pattern, and compares what comes with what must come, byte for byte, in order. Lets go of its
/// link when both directions ended, or when it was reset.
class SimPeer final : private LinkObserver {
 public:
  SimPeer(Loop& loop, std::unique_ptr<Link> link);
  SimPeer(const SimPeer&) = delete;
  SimPeer& operator=(const SimPeer&) = delete;

  /// A client begins at once.
  void begin(const PeerPlan& plan, const Pattern& sends, const Pattern& expects);
  /// A backend first reads the PROXY line, and hands it to `who`, which answers with begin(). Never: no line
  /// came.
  void await_header(std::function<void(SimPeer&, const ProxyAddresses&)> who);
  /// Resets the connection.
  void reset();
  /// Changes how it reads, from now on.
  void read_freely();

  std::uint64_t sent() const { return sent_; }
  std::uint64_t received() const { return received_; }
  /// Where the first byte came that should not have; nothing when all were right.
  std::optional<std::uint64_t> wrong_at() const { return wrong_at_; }
  bool other_ended() const { return other_ended_; }
  bool was_reset() const { return reset_; }
  bool ended() const { return other_ended_ && finished_; }
  bool gone() const { return link_ == nullptr; }

 private:
  void on_readable() override;
  void on_writable() override { send(); }
  void on_broken(const boost::system::error_code& error) override;
  void send();
  void take(Bytes bytes);
  bool take_header(Bytes& bytes);
  void stop();
  std::uint64_t may_send() const;

  Loop& loop_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<Timer> pause_;
  std::function<void(SimPeer&, const ProxyAddresses&)> who_;
  std::string header_;
  PeerPlan plan_;
  Pattern sends_{0};
  Pattern expects_{0};
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::optional<std::uint64_t> wrong_at_;
  bool begun_ = false;
  bool other_ended_ = false;
  bool finished_ = false;
  bool reset_ = false;
};

}  // namespace penstock
