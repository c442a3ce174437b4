#include "flowload/udp_echo.h"

#include <algorithm>
#include <deque>

#include "flowload/datagrams.h"
#include "flowload/poller.h"
#include "flowload/report.h"
#include "flowload/socket.h"
#include "flowload/udp_wire.h"

namespace penstock::flowload {
namespace {

constexpr std::size_t kLongest = 65536;
constexpr int kReceiveBuffer = 8 << 20;
constexpr int kBatchesPerRound = 4;  // of one port, before the others get their turn

/// Serves some ports in a row. What could not be sent back is counted and forgotten.
class UdpEcho {
 public:
  explicit UdpEcho(const Options& options) : options_{options}, batch_{kLongest} {}

  Result<bool> run();

 private:
  class Port final : public Watcher {
   public:
    Port(UdpEcho& owner, FileDescriptor fd) : owner_{owner}, fd_{std::move(fd)} {}
    int fd() const { return fd_.get(); }
    void on_ready(std::uint32_t) override { owner_.serve(fd_.get()); }

   private:
    UdpEcho& owner_;
    FileDescriptor fd_;
  };

  Result<void> bind_all();
  void serve(int fd);
  void take(std::size_t count);
  void send_back(int fd);
  void print_counts() const;

  const Options& options_;
  Poller poller_;
  std::deque<Port> ports_;
  ReceivedBatch batch_;
  SendBatch answers_;
  std::uint64_t received_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t unproxied_ = 0;  // without the PROXY header that they should have
  std::uint64_t unsent_ = 0;
};

Result<void> UdpEcho::bind_all() {
  if (auto allowed = allow_descriptors(options_.ports + kOtherDescriptors); !allowed) return allowed;
  Endpoint at = options_.listen;
  for (std::uint32_t i = 0; i < options_.ports; ++i) {
    auto fd = bind_datagrams(at, kReceiveBuffer);
    if (!fd) return fd.error();
    Port& port = ports_.emplace_back(*this, std::move(*fd));
    poller_.add(port.fd(), EPOLLIN, port);
    ++at.port;
  }
  return {};
}

void UdpEcho::serve(int fd) {
  std::size_t count = kBatch;
  for (int i = 0; i < kBatchesPerRound && count == kBatch; ++i) {
    count = batch_.receive(fd);
    take(count);
    if (!options_.sink) send_back(fd);
  }
}

void UdpEcho::take(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes datagram = batch_.bytes(i);
    const auto payload = options_.proxy_v2 ? behind_proxy_header(datagram) : datagram;
    ++received_;
    bytes_ += datagram.size();
    if (!payload) {
      ++unproxied_;
    } else if (!options_.sink) {
      answers_.add(batch_.peer(i), &batch_.own(i), *payload, {});
    }
  }
}

void UdpEcho::send_back(int fd) {
  const std::size_t count = answers_.size();
  unsent_ += count - answers_.send(fd);
}

Result<bool> UdpEcho::run() {
  if (auto bound = bind_all(); !bound) return bound.error();
  Report{"listening"}.add("address", local_endpoint(ports_.front().fd()).to_string()).print();
  const Time end = options_.seconds == 0 ? kNever : Clock::now() + std::chrono::seconds{options_.seconds};
  while (poller_.wait(std::min(end, Clock::now() + std::chrono::hours{1})) && Clock::now() < end) {
  }
  print_counts();
  return true;
}

void UdpEcho::print_counts() const {
  Report{"done"}
      .add("received", received_)
      .add("bytes", bytes_)
      .add("unproxied", unproxied_)
      .add("unsent", unsent_)
      .print();
}

}  // namespace

Result<bool> run_udp_echo(const Options& options) {
  return UdpEcho{options}.run();
}

}  // namespace penstock::flowload
