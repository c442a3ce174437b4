// One client flow that proves itself by an echo: connect, one byte there and back, end in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.h"
#include "base/error.h"
#include "base/file_descriptor.h"
#include "base/time.h"
#include "flowload/poller.h"

namespace penstock::flowload {

/// How long a connection, an echo or an end may take before the flow counts as failed.
inline constexpr Duration kPatience = std::chrono::seconds{10};
/// Between looks at flows that are overdue.
inline constexpr Duration kSweep = std::chrono::milliseconds{100};

class EchoFlow;

enum class EchoStep { kClosed, kConnecting, kEchoing, kOpen, kEnding };

/// Told what became of a step. It may begin the next one from within, except to open a flow that just closed.
class EchoFlowOwner {
 public:
  virtual void on_echo(EchoFlow& flow) = 0;
  virtual void on_ended(EchoFlow& flow) = 0;
  /// `step` is where the flow was; it is closed now.
  virtual void on_failed(EchoStep step, const Error& error) = 0;

 protected:
  ~EchoFlowOwner() = default;
};

/// A flow that can be used again once it is closed. Must outlive the poller's current round.
class EchoFlow final : public Watcher {
 public:
  EchoFlow(Poller& poller, EchoFlowOwner& owner) : poller_{poller}, owner_{owner} {}

  /// Connects and echoes: on_echo() then means that the flow is open from end to end.
  void open(const Endpoint& to, const std::optional<IpAddress>& source);
  /// Only while open.
  void echo();
  /// Ends our direction and waits for the peer's end. Only while open.
  void end();
  /// Fails the flow if its step takes longer than kPatience.
  void check(Time now);
  /// Hands over the descriptor of an open flow, which is closed afterwards.
  FileDescriptor release();

  EchoStep step() const { return step_; }
  /// When open() was called, and when the current step began; while open, when its echo was asked for.
  Time opened() const { return opened_; }
  Time since() const { return since_; }

  void on_ready(std::uint32_t events) override;

 private:
  void begin(EchoStep step);
  void connected();
  void read();
  void close();
  void fail(const Error& error);

  Poller& poller_;
  EchoFlowOwner& owner_;
  FileDescriptor fd_;
  EchoStep step_ = EchoStep::kClosed;
  Time opened_{};
  Time since_{};
  std::uint8_t sent_ = 0;  // the byte that must come back
};

}  // namespace penstock::flowload
