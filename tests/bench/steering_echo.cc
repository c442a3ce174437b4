// steering_echo: sends every datagram back through the steering it came by, as an edge without tunnel or
// books.
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "flowload/report.h"
#include "net/asio_network.h"
#include "steering/kernel_plane.h"
#include "steering/socket_steering.h"

namespace penstock {
namespace {

constexpr std::uint32_t kSessions = 65'536;
constexpr Duration kLook = std::chrono::milliseconds{50};  // between two looks at the host's neighbours

/// Opens a session for every stranger, and sends in the batches that arrived.
class Echo final : private SteeringObserver {
 public:
  Echo(AsioLoop& loop, Network& network, SteeringMaker& maker)
      : loop_{loop},
        table_{maker.first_slot(), kSessions, std::chrono::hours{1}},
        steering_{maker.make(0, network, table_, *this)} {}

  Steering& steering() { return *steering_; }
  void report() const {
    flowload::Report{"done"}
        .add("sessions", table_.size())
        .add("received", received_)
        .add("sent", sent_)
        .add("failed", failed_)
        .add("overrun", overrun_)
        .add("lost", lost_)
        .print();
  }

 private:
  void on_datagram(Session& session, Bytes payload) override {
    ++received_;
    steering_->send(session, {}, payload);
    if (std::exchange(flushes_, true)) return;
    loop_.post([this] {
      flushes_ = false;
      steering_->flush();
    });
  }
  void on_stranger(const SessionPath& path, Bytes payload) override {
    Session* const session = table_.add(path, std::chrono::hours{1}, loop_.now());
    if (session == nullptr) return on_lost(PST_R_LIMIT_TOTAL, payload.size());
    steering_->add(*session, {.client = path.remote, .local = path.local});
    on_datagram(*session, payload);
  }
  void on_overrun(const Endpoint&, std::uint64_t datagrams) override { overrun_ += datagrams; }
  void on_lost(Reason, std::size_t) override { ++lost_; }
  void on_sent(Session&, std::size_t, const boost::system::error_code& error) override {
    ++(error ? failed_ : sent_);
  }

  AsioLoop& loop_;
  SessionTable table_;
  bool flushes_ = false;
  std::uint64_t received_ = 0, sent_ = 0, failed_ = 0, overrun_ = 0, lost_ = 0;
  const std::unique_ptr<Steering> steering_;
};

void run(AsioLoop& loop, const Echo& echo) {
  boost::asio::signal_set ends{loop.context(), SIGTERM, SIGINT};
  ends.async_wait([&loop](const boost::system::error_code&, int) { loop.stop(); });
  flowload::Report{"ready"}.print();
  loop.run();
  echo.report();
}

Result<void> by_sockets(const Endpoint& on) {
  AsioLoop loop;
  AsioNetwork network{loop};
  SocketSteeringMaker maker{SocketSteering::LocalAddress::kAsUsed};
  Echo echo{loop, network, maker};
  auto bound = network.bind_udp(on, 1);
  if (!bound) return bound.error();
  echo.steering().open(std::move(bound->front()));
  run(loop, echo);
  return {};
}

/// Neighbours become known while it runs.
Result<void> by_kernel(const Endpoint& on, const KernelPlaneOptions& options) {
  auto plane = KernelPlane::open(options);
  if (!plane) return plane.error();
  AsioLoop loop;
  AsioNetwork network{loop};
  const auto maker = (*plane)->edge_steering();
  Echo echo{loop, network, *maker};
  auto shared = (*plane)->ports().share_among(1);
  if (!shared) return shared;
  const auto port = (*plane)->ports().open(on, true);
  if (!port) return port.error();
  std::unique_ptr<Timer> looks;
  looks = loop.make_timer([&] {
    const auto changes = (*plane)->monitor().read();
    if (changes && changes->any()) (*plane)->lanes()[0]->on_network_changed(changes->routes);
    looks->arm(loop.now() + kLook);
  });
  looks->arm(loop.now());
  run(loop, echo);
  return {};
}

int complain(const std::string& what, int status) {
  std::fprintf(stderr, "steering_echo: %s\n", what.c_str());
  return status;
}

int start(std::span<const char* const> arguments) {
  const bool kernel = arguments.size() == 4 && std::string_view{arguments[0]} == "kernel";
  const bool sockets = arguments.size() == 2 && std::string_view{arguments[0]} == "socket";
  if (!kernel && !sockets) return complain("socket ADDR:PORT | kernel ADDR:PORT INTERFACE PINS", 2);
  const auto on = Endpoint::parse(arguments[1]);
  if (!on) return complain(on.error().what, 2);
  if (sockets) {
    const auto done = by_sockets(*on);
    return done ? 0 : complain(done.error().what, 1);
  }
  const KernelPlaneOptions options{.pins = arguments[3],
                                   .interfaces = {arguments[2]},
                                   .network = IpAddress::parse("198.18.0.0").value(),
                                   .source_ports = {},
                                   .edge_lanes = 1,
                                   .sessions = kSessions};
  const auto done = by_kernel(*on, options);
  const auto detached = detach_kernel_plane(options);
  if (!done) return complain(done.error().what, 1);
  return detached ? 0 : complain(detached.error().what, 1);
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  return penstock::start(
      std::span<const char* const>{arguments.data() + 1, arguments.empty() ? 0 : arguments.size() - 1});
}
