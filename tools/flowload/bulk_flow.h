// The client's end of one bulk flow.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/error.h"
#include "base/file_descriptor.h"
#include "base/time.h"
#include "flowload/bulk_wire.h"
#include "flowload/poller.h"

namespace penstock::flowload {

/// Opens, waits for the word to go, runs until told to finish, and reads the server's count.
class BulkFlow final : public Watcher {
 public:
  enum class Step { kConnecting, kWaiting, kReady, kRunning, kEnding, kDone, kFailed };

  explicit BulkFlow(Poller& poller) : poller_{poller} {}

  void open(const Endpoint& to, const std::optional<IpAddress>& source, const BulkHeader& header);
  /// Begins the load. Only when ready.
  void go();
  /// Ends our direction; the flow is done when all that was sent has arrived. Only while running.
  void finish();
  void fail(Error error);

  Step step() const { return step_; }
  bool settled() const { return step_ == Step::kDone || step_ == Step::kFailed; }
  const std::optional<Error>& error() const { return error_; }
  /// Payload that arrived, whole once the flow is done: at the server as it reports, and here.
  std::uint64_t bytes_up() const { return bytes_up_; }
  std::uint64_t bytes_down() const { return received_ - kBulkTrailerSize; }

  void on_ready(std::uint32_t events) override;

 private:
  void connected();
  void read();
  void write();
  void take_payload(Bytes bytes);
  void ended();

  Poller& poller_;
  FileDescriptor fd_;
  BulkHeader header_;
  Step step_ = Step::kConnecting;
  std::array<std::byte, kBulkTrailerSize> tail_{};  // the last bytes received: in the end, the trailer
  std::uint64_t received_ = 0;                      // payload and trailer
  std::uint64_t bytes_up_ = 0;
  std::optional<Error> error_;
};

}  // namespace penstock::flowload
