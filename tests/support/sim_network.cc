#include "support/sim_network.h"

#include <algorithm>

#include "net/tls_link.h"
#include "support/sim_connection.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
namespace errc = boost::system::errc;

constexpr Duration kLookupTime = 1ms;
constexpr Duration kNoAnswer = 127s;

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
  const Endpoint from{addresses_.front(), next_port_};
  next_port_ = next_port_ == 65535 ? 32768 : static_cast<std::uint16_t>(next_port_ + 1);
  return std::make_unique<SimDial>(internet_, from, to, std::move(done));
}

std::unique_ptr<Pending> SimNetwork::resolve(const std::string& host, Resolved done) {
  return std::make_unique<SimLookup>(internet_, host, std::move(done));
}

Result<std::unique_ptr<Pending>> SimNetwork::listen(const Endpoint& on, ListenerObserver& observer) {
  const auto family = std::find_if(addresses_.begin(), addresses_.end(), [&](const IpAddress& address) {
    return address.is_v4() == on.address.is_v4();
  });
  const auto doing = "cannot listen on " + on.to_string();
  if (family == addresses_.end()) return system_error(doing, errc::address_family_not_supported);
  const Endpoint where{on.address.is_any() ? *family : on.address, on.port};
  if (std::find(addresses_.begin(), addresses_.end(), where.address) == addresses_.end()) {
    return system_error(doing, errc::address_not_available);
  }
  if (internet_.faults().strike()) return system_error(doing, errc::too_many_files_open);
  auto told = std::make_shared<ListenerObserver*>(&observer);
  if (!internet_.listen(where, {&loop_, told})) return system_error(doing, errc::address_in_use);
  return std::unique_ptr<Pending>{std::make_unique<SimListener>(internet_, where, std::move(told))};
}

}  // namespace penstock
