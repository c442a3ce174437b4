#include "hub/hub.h"

#include <algorithm>

#include "base/text.h"
#include "tunnel/gather.h"

namespace penstock {
namespace {

/// When a carrier that we do not want, for now, may be dialled again.
constexpr std::chrono::milliseconds kUnwantedRetry = 30s;
constexpr Duration kDrainRetry = 1s;
constexpr Duration kStopTime = 1500ms;
/// Connections of one edge at once, for each carrier that its tunnel may have: an old one may still be
/// leaving.
constexpr int kConnectionsPerCarrier = 2;

}  // namespace

Hub::Hub(const Config& config, Parts parts)
    : config_{config},
      parts_{std::move(parts)},
      identity_{std::move(parts_.identity)},
      shared_{.desk = *this,
              .journal = parts_.journal,
              .admission = parts_.admission,
              .budget = parts_.budget,
              .tls = *identity_.context,
              .quic = *identity_.quic,
              .tunnel = config.tunnel,
              .flow = config.flow,
              .sessions_admission = parts_.sessions_admission,
              .steering = parts_.steering,
              .workers = parts_.workers.size(),
              .limits = config.limits},
      limiter_{config.limits},
      directory_{parts_.store, parts_.wall_clock},
      catalog_{parts_.store},
      registry_{config.limits.carriers_per_tunnel},
      instance_{random_u64()},
      resolve_timer_{parts_.control.make_timer([this] { resolve_names(); })} {
  for (const Worker& worker : parts_.workers) {
    workers_.push_back(std::make_unique<HubWorker>(worker, shared_));
    for (const InheritedHome& home : workers_.back()->sessions().inherited())
      registry_.inherit(home, worker.index);
  }
}

Hub::~Hub() = default;

Result<void> Hub::start() {
  auto loaded = directory_.load(config_);
  if (loaded) loaded = catalog_.load(config_);
  if (!loaded) return loaded;
  resolve_names();
  return listen();
}

Result<void> Hub::listen() {
  for (const Endpoint& endpoint : config_.hub->listen) {
    const bool every_address = endpoint.address == IpAddress{};  // [::] stands for IPv4 as well
    const auto listening = listen_on(endpoint);
    const bool no_ipv6 = !listening && every_address &&
                         listening.error().code == boost::system::errc::address_family_not_supported;
    if (!listening && !no_ipv6) return listening.error();
    if (!every_address) continue;
    const auto also = listen_on({IpAddress::v4(0), endpoint.port});
    if (!also) return also.error();
  }
  return {};
}

Result<void> Hub::listen_on(const Endpoint& endpoint) {
  auto listener = parts_.network.listen(endpoint, *this);
  if (!listener) return listener.error();
  listeners_.emplace_back(endpoint, std::move(*listener));
  return config_.hub->quic ? listen_quic(endpoint) : Result<void>{};
}

Result<void> Hub::listen_quic(const Endpoint& endpoint) {
  auto sockets = parts_.network.bind_quic(endpoint, static_cast<unsigned>(workers_.size()));
  if (!sockets) return std::move(sockets).error().within("for QUIC (hub.quic = false does without)");
  unsigned index = 0;
  for (auto& socket : *sockets) {
    on_worker(index++,
              [socket = std::move(socket)](HubWorker& worker) mutable { worker.listen(std::move(socket)); });
  }
  return {};
}

void Hub::stop_listening() {
  listeners_.clear();
  for (const Worker& worker : parts_.workers) {
    on_worker(worker.index, [](HubWorker& hub) { hub.stop_listening(); });
  }
}

std::vector<Endpoint> Hub::listening() const {
  std::vector<Endpoint> out;
  for (const auto& [endpoint, listener] : listeners_) out.push_back(endpoint);
  return out;
}

// ---------------------------------------------------------------------------------------------- connections

void Hub::on_connection(std::unique_ptr<Connection> connection) {
  if (draining_ || !limiter_.begin(connection->peer.address)) {
    parts_.counters.count(draining_ ? PST_R_DRAINING : PST_R_HANDSHAKE_LIMIT);
    connection->refuse();
    return;
  }
  const std::uint64_t number = ++shared_.last_number;
  const auto index = static_cast<unsigned>(number % workers_.size());
  guests_[number] = {.id = {index, number}, .peer = connection->peer, .edge = {}};
  on_worker(index, [number, connection = std::move(connection)](HubWorker& worker) mutable {
    worker.add(number, std::move(connection));
  });
}

void Hub::on_caller(const Caller& caller) {
  parts_.control.post([this, caller] { welcome(caller); });
}

/// Of those who are refused nothing that comes later is known here.
void Hub::welcome(const Caller& caller) {
  if (draining_ || !limiter_.begin(caller.peer.address)) {
    const Reason reason = draining_ ? PST_R_DRAINING : PST_R_HANDSHAKE_LIMIT;
    return refuse(caller.id, reason, std::string{help_of(reason)});
  }
  guests_[caller.id.number] = {.id = caller.id, .peer = caller.peer, .edge = {}, .moves = false};
}

void Hub::on_accept_failed(const boost::system::error_code& error) {
  parts_.counters.count(PST_R_ACCEPT_FAILED);
  event("limit_reached", {{"reason", label_of(PST_R_ACCEPT_FAILED)}, {"text", error.message()}});
}

void Hub::on_line(const Caller& caller, EdgeLine line) {
  parts_.control.post([this, caller, line = std::move(line)] { judge(caller, line); });
}

void Hub::on_hello(const Caller& caller, HelloMessage hello) {
  parts_.control.post([this, caller, hello = std::move(hello)] { take_home(caller, hello); });
}

void Hub::on_legacy(const Caller& caller) {
  parts_.control.post([this, caller] {
    const auto guest = guests_.find(caller.id.number);
    if (guest != guests_.end()) place(guest->second, {.instance = caller.id.number}, true);
  });
}

void Hub::on_moved(const Caller& caller, std::uint64_t instance, std::uint32_t index) {
  parts_.control.post([this, caller, instance, index] { arrived(caller, instance, index); });
}

void Hub::on_config_result(const Caller& caller, ConfigResultMessage result) {
  parts_.control.post([this, caller, result = std::move(result)] { take_result(caller, result); });
}

void Hub::on_report(const Caller& caller, const ReportMessage& report) {
  parts_.control.post([this, caller, report] { take_report(caller, report); });
}

void Hub::on_gone(const Caller& caller, Reason reason, std::string text) {
  parts_.control.post([this, caller, reason, text = std::move(text)] { farewell(caller, reason, text); });
}

void Hub::refuse(CarrierId id, Reason reason, std::string message) {
  on_worker(id.worker, [id, reason, message = std::move(message)](HubWorker& worker) {
    worker.refuse(id.number, reason, message);
  });
}

void Hub::end_handshake(Guest& guest) {
  if (std::exchange(guest.handshaking, false)) limiter_.finished(guest.peer.address);
}

void Hub::judge(const Caller& caller, const EdgeLine& line) {
  const auto found = guests_.find(caller.id.number);
  if (found == guests_.end()) return;
  Guest& guest = found->second;
  const Time now = parts_.control.now();
  if (!limiter_.may_try(caller.peer.address, now)) {
    return refuse(caller.id, PST_R_AUTH_RATE, std::string{help_of(PST_R_AUTH_RATE)} + ": wait a minute");
  }
  if (!directory_.authenticate(line.id, line.secret)) {
    limiter_.failed(caller.peer.address, now);
    event("auth_failed", {{"edge", printable(line.id, 64)}, {"address", caller.peer.to_string()}});
    return refuse(caller.id, PST_R_AUTH_FAILED, std::string{help_of(PST_R_AUTH_FAILED)});
  }
  const auto connections = std::count_if(guests_.begin(), guests_.end(),
                                         [&](const auto& entry) { return entry.second.edge == line.id; });
  if (connections >= std::int64_t{kConnectionsPerCarrier} * config_.limits.carriers_per_tunnel) {
    return refuse(caller.id, PST_R_CARRIER_LIMIT, std::string{help_of(PST_R_CARRIER_LIMIT)});
  }
  end_handshake(guest);
  guest.edge = line.id;
  assign(line.id);
  guest.told_generation = assigned_[line.id].generation;
  on_worker(caller.id.worker, [number = caller.id.number, edge = line.id,
                               answer = to_line(assignment_for(line.id, guest.told_generation)),
                               routes = catalog_.routes_for(line.id)](HubWorker& worker) {
    worker.accept(number, edge, answer, routes);
  });
}

/// A carrier that comes back goes to the worker that has its sessions. It reads nothing until we have spoken.
void Hub::take_home(const Caller& caller, const HelloMessage& hello) {
  const auto found = guests_.find(caller.id.number);
  if (found == guests_.end()) return;
  const unsigned here = caller.id.worker;
  const auto suggested =
      static_cast<unsigned>(steering_byte(hello.instance, hello.carrier) % parts_.workers.size());
  const bool moves = found->second.moves;
  const unsigned home =
      registry_.home(found->second.edge, hello.instance, hello.carrier, moves ? suggested : here);
  if (home != here && moves) {
    return on_worker(here, [this, number = caller.id.number, home](HubWorker& worker) {
      worker.move(number, *workers_[home]);
    });
  }
  place(found->second, hello, false);
  on_worker(here, [number = caller.id.number](HubWorker& worker) { worker.resume(number); });
}

/// What was said to all carriers while it was on its way did not reach it.
void Hub::arrived(const Caller& caller, std::uint64_t instance, std::uint32_t index) {
  const auto found = guests_.find(caller.id.number);
  if (found == guests_.end()) return;
  Guest& guest = found->second;
  guest.id = caller.id;
  const Reason gone = !directory_.contains(guest.edge) ? PST_R_EDGE_REMOVED
                      : stopped_ || draining_          ? PST_R_DRAINING
                                                       : PST_R_COMPLETED;
  if (gone != PST_R_COMPLETED) {
    return on_worker(caller.id.worker, [number = caller.id.number, gone](HubWorker& worker) {
      worker.close(number, gone, std::string{help_of(gone)}, {});
    });
  }
  place(guest, {.instance = instance, .carrier = index}, false);
  on_worker(caller.id.worker,
            [number = caller.id.number, routes = catalog_.routes_for(guest.edge)](HubWorker& worker) {
              worker.set_routes(number, routes);
              worker.resume(number);
            });
}

void Hub::place(Guest& guest, const HelloMessage& hello, bool legacy) {
  const CarrierId id = guest.id;
  const auto placed = registry_.place(guest.edge, hello.instance, legacy, hello.carrier, id,
                                      parts_.control.now(), hello.beside);
  for (const CarrierId& old : placed.replaced) {
    on_worker(old.worker, [old](HubWorker& worker) {
      worker.close(old.number, PST_R_REPLACED, "another instance of this edge connected", kUnwantedRetry);
    });
  }
  if (placed.contested) event("edge_contested", {{"edge", guest.edge}, {"address", guest.peer.to_string()}});
  if (placed.refused) {
    return on_worker(id.worker, [number = id.number](HubWorker& worker) {
      worker.close(number, PST_R_CARRIER_LIMIT, std::string{help_of(PST_R_CARRIER_LIMIT)}, kUnwantedRetry);
    });
  }
  guest.placed = true;
  if (placed.connected || !placed.replaced.empty())
    keep_sessions_of(guest.edge, hello.instance, PST_R_REPLACED);
  const boost::json::object who{
      {"edge", guest.edge}, {"address", guest.peer.to_string()}, {"legacy", legacy}};
  event("carrier_up", who);
  if (placed.connected) event("edge_connected", who);
  if (placed.connected || !placed.replaced.empty()) event("tunnel_up", who);
  if (guest.told_generation < assigned_[guest.edge].generation) send_config(guest.edge, id);
}

void Hub::farewell(const Caller& caller, Reason reason, const std::string& text) {
  const auto found = guests_.find(caller.id.number);
  if (found == guests_.end()) return;
  Guest guest = std::move(found->second);
  guests_.erase(found);
  end_handshake(guest);
  const boost::json::object what{{"edge", guest.edge},
                                 {"address", caller.peer.to_string()},
                                 {"reason", label_of(reason)},
                                 {"error", printable(text, 400)}};
  event(guest.edge.empty() ? "handshake_failed" : "carrier_down", what);
  if (registry_.remove(guest.edge, guest.id)) {
    event("tunnel_down", what);
    event("edge_disconnected", what);
    assigned_.erase(guest.edge);
  } else if (const auto* const tunnel = registry_.find(guest.edge); tunnel != nullptr) {
    const Assigned& assigned = assigned_[guest.edge];
    if (assigned.result.generation < assigned.generation)
      send_config(guest.edge, tunnel->carriers.begin()->second);
  }
  if (stopped_ && guests_.empty()) std::exchange(stopped_, nullptr)();
}

void Hub::take_result(const Caller& caller, const ConfigResultMessage& result) {
  const auto guest = guests_.find(caller.id.number);
  if (guest == guests_.end()) return;
  Assigned& assigned = assigned_[guest->second.edge];
  if (result.generation < assigned.result.generation || result.generation > assigned.generation) return;
  assigned.result = result;
  for (const PortFailure& failure : result.failed) {
    event("port_failed", {{"edge", guest->second.edge},
                          {"ports", failure.ports.to_string()},
                          {"reason", label_of(failure.reason)},
                          {"text", printable(failure.message, 200)}});
  }
}

/// Compared with what all workers have counted by now.
void Hub::take_report(const Caller& caller, const ReportMessage& report) {
  const auto guest = guests_.find(caller.id.number);
  if (guest == guests_.end()) return;
  const auto* const tunnel = registry_.find(guest->second.edge);
  if (tunnel == nullptr) return;
  gather<LedgerRow>(
      parts_.control, *this, [](HubWorker& worker) { return worker.ledger().rows(); },
      [this, report, edge = guest->second.edge,
       instance = tunnel->instance](const std::vector<LedgerRow>& rows) {
        if (directory_.contains(edge)) books_.report(edge, instance, report, rows, parts_.control.now());
      });
}

// ---------------------------------------------------------------------------------------------- life

/// All of it or nothing.
Result<std::vector<std::string>> Hub::reload(const Config& config) {
  const auto fits = catalog_.check(config);
  if (!fits) return fits.error();
  auto gone = directory_.redeclare(config);
  if (!gone) return gone.error();
  auto changes = catalog_.redeclare(config);
  if (!changes) return changes;
  for (const std::string& id : *gone) {
    changes->push_back("edge '" + id + "' removed");
    forget_edge(id);
  }
  limiter_.set_limits(config.limits);
  for (const Worker& worker : parts_.workers) {
    on_worker(worker.index, [limits = config.limits](HubWorker& hub) { hub.set_limits(limits); });
  }
  config_ = config;
  resolve_names();
  services_changed();
  return changes;
}

void Hub::drain() {
  if (std::exchange(draining_, true)) return;
  stop_listening();
  const GoAwayMessage message{
      .reason = PST_R_DRAINING,
      .retry_after = std::chrono::duration_cast<std::chrono::milliseconds>(kDrainRetry),
      .text = {}};
  for (const Worker& worker : parts_.workers) {
    on_worker(worker.index, [message](HubWorker& hub) { hub.go_away_all(message); });
  }
}

void Hub::stop(std::function<void()> done) {
  draining_ = true;
  stop_listening();
  lookups_.clear();
  resolve_timer_->cancel();
  if (guests_.empty()) return done();
  stopped_ = std::move(done);
  stop_timer_ = parts_.control.make_timer([this] {
    if (stopped_) std::exchange(stopped_, nullptr)();
  });
  stop_timer_->arm(parts_.control.now() + kStopTime);
  for (const Worker& worker : parts_.workers) {
    on_worker(worker.index, [](HubWorker& hub) { hub.close_all(PST_R_SHUTDOWN); });
  }
}

}  // namespace penstock
