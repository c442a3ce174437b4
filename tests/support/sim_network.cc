#include "support/sim_network.h"

#include <algorithm>

#include "net/tls_link.h"
#include "support/sim_connection.h"
#include "support/sim_udp_socket.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
namespace errc = boost::system::errc;

constexpr Duration kLookupTime = 1ms;
constexpr Duration kNoAnswer = 127s;
constexpr std::uint16_t kFirstPort = 32768;  // of those that the system chooses
constexpr int kChosenPorts = 32768;

/// A callback that is due later and is not called once this is destroyed, which may happen within it.
class Later : public Pending {
 public:
  explicit Later(SimClock& clock) : clock_{clock} {}
  ~Later() override { clock_.cancel(event_); }

 protected:
  void after(Duration delay, Task work) {
    event_ = clock_.schedule(clock_.now() + delay, this, std::move(work));
  }

 private:
  SimClock& clock_;
  SimClock::Event event_;
};

class SimLookup final : public Later {
 public:
  SimLookup(SimInternet& internet, const std::string& host, Network::Resolved done)
      : Later{internet.clock()} {
    after(kLookupTime, [&internet, host, done = std::move(done)] { done(internet.look_up(host)); });
  }
};

class SimDial final : public Later {
 public:
  SimDial(SimInternet& internet, const Endpoint& from, const Endpoint& to, Network::Dialled done)
      : Later{internet.clock()}, internet_{internet}, from_{from}, to_{to}, done_{std::move(done)} {
    if (internet.faults().strike()) {
      fail_after({}, errc::network_unreachable);
    } else if (internet.silent(to.address)) {
      fail_after(kNoAnswer, errc::timed_out);
    } else {
      after(delay(), [this] { reach(); });
    }
  }

 private:
  Duration delay() const { return internet_.path_to(to_.address).delay; }

  void reach() {
    const auto wire = internet_.connect(from_, to_);
    if (wire == nullptr) return fail_after(delay(), errc::connection_refused);
    connection_ = std::make_unique<SimConnection>(wire, SimWire::kDialler);
    after(delay(), [this] { finish(std::move(connection_)); });
  }

  void fail_after(Duration span, errc::errc_t why) {
    after(span, [this, why] { finish(system_error("cannot connect", why)); });
  }

  void finish(Result<std::unique_ptr<Connection>> outcome) {
    const auto done = std::move(done_);
    done(std::move(outcome));
  }

  SimInternet& internet_;
  const Endpoint from_;
  const Endpoint to_;
  Network::Dialled done_;
  std::unique_ptr<Connection> connection_;
};

class SimListener final : public Pending {
 public:
  SimListener(SimInternet& internet, const Endpoint& endpoint, std::shared_ptr<ListenerObserver*> observer)
      : internet_{internet}, endpoint_{endpoint}, observer_{std::move(observer)} {}
  ~SimListener() override { internet_.stop_listening(endpoint_); }

 private:
  SimInternet& internet_;
  const Endpoint endpoint_;
  const std::shared_ptr<ListenerObserver*> observer_;  // what is left of it ends with this
};

}  // namespace

std::unique_ptr<Link> SimNetwork::attach(std::unique_ptr<Connection> connection, const LinkOptions& options) {
  return static_cast<SimConnection&>(*connection).take(loop_, options);
}

std::unique_ptr<Link> SimNetwork::secure(std::unique_ptr<Connection> connection, const LinkOptions& options,
                                         TlsContext& context, const std::string& server_name) {
  auto plain = attach(std::move(connection), options);
  if (!internet_.tls()) return plain;
  return std::make_unique<TlsLink>(std::move(plain), context, server_name);
}

std::unique_ptr<Pending> SimNetwork::dial(const Endpoint& to, Dialled done) {
  return std::make_unique<SimDial>(internet_, Endpoint{addresses_.front(), take_port()}, to, std::move(done));
}

std::unique_ptr<Pending> SimNetwork::resolve(const std::string& host, Resolved done) {
  return std::make_unique<SimLookup>(internet_, host, std::move(done));
}

std::uint16_t SimNetwork::take_port() {
  const std::uint16_t port = next_port_;
  next_port_ = port == 65535 ? kFirstPort : static_cast<std::uint16_t>(port + 1);
  return port;
}

/// The addresses of this host that binding to `on` means.
Result<std::vector<IpAddress>> SimNetwork::homes(const IpAddress& on) const {
  std::vector<IpAddress> out;
  for (const IpAddress& address : addresses_) {
    if (address.is_v4() == on.is_v4()) out.push_back(address);
  }
  if (out.empty()) return system_error("cannot bind", errc::address_family_not_supported);
  if (on.is_any()) return out;
  if (std::find(out.begin(), out.end(), on) == out.end())
    return system_error("cannot bind", errc::address_not_available);
  return std::vector{on};
}

Result<std::unique_ptr<Pending>> SimNetwork::listen(const Endpoint& on, ListenerObserver& observer) {
  const auto doing = "cannot listen on " + on.to_string();
  const auto addresses = homes(on.address);
  if (!addresses) return system_error(doing, addresses.error().code.value());
  const Endpoint where{addresses->front(), on.port};
  if (internet_.faults().strike()) return system_error(doing, errc::too_many_files_open);
  auto told = std::make_shared<ListenerObserver*>(&observer);
  if (!internet_.listen(where, {&loop_, told})) return system_error(doing, errc::address_in_use);
  return std::unique_ptr<Pending>{std::make_unique<SimListener>(internet_, where, std::move(told))};
}

bool SimNetwork::is_free(const std::vector<IpAddress>& addresses, std::uint16_t port) {
  return std::all_of(addresses.begin(), addresses.end(), [&](const IpAddress& address) {
    return internet_.post().is_free({address, port});
  });
}

/// 0 when all are taken.
std::uint16_t SimNetwork::choose_udp_port(const std::vector<IpAddress>& addresses) {
  for (int tried = 0; tried < kChosenPorts; ++tried) {
    if (const std::uint16_t port = take_port(); is_free(addresses, port)) return port;
  }
  return 0;
}

Result<std::vector<std::unique_ptr<BoundUdp>>> SimNetwork::bind_udp(const Endpoint& on, unsigned count) {
  return bind_group(on, count, SimPost::Sharing::kByPeer);
}

Result<std::vector<std::unique_ptr<BoundUdp>>> SimNetwork::bind_quic(const Endpoint& on, unsigned count) {
  return bind_group(on, count, SimPost::Sharing::kByConnectionId);
}

Result<std::vector<std::unique_ptr<BoundUdp>>> SimNetwork::bind_group(const Endpoint& on, unsigned count,
                                                                      SimPost::Sharing sharing) {
  const auto doing = "cannot bind UDP " + on.to_string();
  const auto addresses = homes(on.address);
  if (!addresses) return system_error(doing, addresses.error().code.value());
  if (internet_.faults().strike()) return system_error(doing, errc::too_many_files_open);
  const Endpoint local{on.address, on.port == 0 ? choose_udp_port(*addresses) : on.port};
  if (local.port == 0 || !is_free(*addresses, local.port)) return system_error(doing, errc::address_in_use);
  std::vector<std::unique_ptr<BoundUdp>> out;
  SimPost::Group group;
  while (group.size() < count) {
    group.push_back(std::make_shared<SimMailbox>());
    out.push_back(std::make_unique<SimBoundUdp>(
        std::make_unique<SimUdpPlace>(internet_, group.back(), local, *addresses)));
  }
  for (const IpAddress& address : *addresses) internet_.post().bind({address, local.port}, group, sharing);
  return out;
}

std::unique_ptr<UdpSocket> SimNetwork::attach(std::unique_ptr<BoundUdp> socket, UdpObserver& observer) {
  return std::make_unique<SimUdpSocket>(static_cast<SimBoundUdp&>(*socket).take(), loop_, observer);
}

}  // namespace penstock
