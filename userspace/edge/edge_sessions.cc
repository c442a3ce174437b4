#include "edge/edge_sessions.h"

#include <optional>

#include "tunnel/flow_journal.h"
#include "tunnel/session_journal.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

/// The whole table is looked at for sessions that are over once in kScanEvery * kScanParts.
constexpr Duration kScanEvery = 50ms;
constexpr std::uint32_t kScanParts = 20;
constexpr Duration kTellEvery = 100ms;
constexpr std::size_t kPorts = 65536;

bool is_multicast(const IpAddress& address) {
  return address.is_v4() ? (address.v4_bytes()[0] & 0xf0) >= 0xe0 : address.bytes()[0] == 0xff;
}

/// A source that no client can have: answers to it would go astray, or come back to us.
bool is_impossible(const SessionPath& path) {
  const Endpoint& client = path.remote;
  return client.port == 0 || client.address.is_any() || is_multicast(client.address) ||
         (client.address.is_loopback() && !path.local.address.is_loopback()) || client == path.local;
}

}  // namespace

EdgeSessions::EdgeSessions(const Worker& worker, EdgeShared& shared, Ledger& ledger,
                           SessionCarriers& carriers)
    : worker_{worker},
      shared_{shared},
      carriers_{carriers},
      table_{shared.steering.first_slot() + worker.index * share_of(shared.sessions, shared.workers),
             share_of(shared.sessions, shared.workers), shared.flow.unreplied},
      ledger_{ledger},
      nobody_{ledger.of({})},
      steering_{
          shared.steering.make(worker.index, worker.network, table_, static_cast<SteeringObserver&>(*this))},
      direct_{worker, shared, table_, *steering_},
      expiry_{worker.loop.make_timer([this] { expire(); })},
      sessions_on_(kPorts) {
  steering_->adopt([this](const Steering::Left& left) { return adopt(left); });
  if (table_.size() > 0) expiry_->arm(worker.loop.now() + kScanEvery);
  expiring_ = table_.size() > 0;
}

EdgeSessions::~EdgeSessions() {
  table_.for_each([this](Session& session) { leave(session); });
}

void EdgeSessions::set_services(std::shared_ptr<const UdpServices> services) {
  services_ = std::move(services);
  books_.clear();
  for (const Service& service : services_->entries()) books_.push_back(&ledger_.of(service.service));
  if (direct_.size() > 0) check_direct();
  if (std::exchange(adopted_, 0) > 0) check_adopted();
}

/// Ends direct sessions of services that are gone, or of backends that we may not send to any more. Sessions
/// in the tunnel stay there, whatever becomes of their service's way.
void EdgeSessions::check_direct() {
  table_.for_each([this](Session& session) {
    const Extra& known = extra(session);
    if (!known.direct) return;
    const Service* const service = services_->find(session.path.local.port);
    const bool same = service != nullptr && service->direct &&
                      (&ledger_of(known) == &nobody_ || ledger_of(known).service == service->service);
    if (!same || !services_->policy().permits(direct_.route_of(session).backend.address))
      end(session, PST_R_SERVICE_REMOVED, false);
  });
}

void EdgeSessions::open_port(std::unique_ptr<BoundUdp> socket) {
  steering_->open(std::move(socket));
}

void EdgeSessions::close_port(const Endpoint& local, Reason reason) {
  if (sessions_on_[local.port] == 0) return steering_->close(local);
  table_.for_each([&](Session& session) {
    const Endpoint& at = session.path.local;
    const bool here =
        at.port == local.port && (at.address == local.address ||
                                  (local.address.is_any() && at.address.is_v4() == local.address.is_v4()));
    if (here) end(session, reason, true);
  });
  steering_->close(local);
}

// ---------------------------------------------------------------------------------------------- from clients

void EdgeSessions::on_datagram(Session& session, Bytes payload) {
  const Extra& known = extra(session);
  to_backend(ledger_of(known), known.direct).receive(payload.size());
  table_.client_sent(session, payload.size(), worker_.loop.now());
  forward(session, payload);
}

void EdgeSessions::on_stranger(const SessionPath& path, Bytes payload) {
  if (Session* const session = direct_.find(path)) return from_backend(*session, payload);
  const Service* const service = services_->find(path.local.port);
  const bool direct = service != nullptr && service->direct;
  ServiceLedger& ledger = book_of(service);
  LedgerLine& line = to_backend(ledger, direct);
  line.receive(payload.size());
  Admission::Ticket ticket;
  const Reason refusal = may_open(path, service, ticket);
  if (refusal != PST_R_COMPLETED) return drop(line, refusal, payload.size());
  Session* const session = open(path, *service);
  if (session == nullptr) return drop(line, PST_R_LIMIT_TOTAL, payload.size());
  const Reason not_started = start(*session, *service);
  if (not_started != PST_R_COMPLETED) return drop(line, not_started, payload.size());
  ticket.keep();
  ++sessions_on_[path.local.port];
  worker_.counters.sessions_opened.add(1);
  table_.client_sent(*session, payload.size(), worker_.loop.now());
  record_session_opened(shared_.journal, report(*session));
  forward(*session, payload);
  if (!std::exchange(expiring_, true)) expiry_->arm(worker_.loop.now() + kScanEvery);
}

/// Null when there is no room for one more session, or for sessions of one more service.
Session* EdgeSessions::open(const SessionPath& path, const Service& service) {
  const auto ledger = ledgers_.take(&book_of(&service));
  if (!ledger) return nullptr;
  Session* const session = add(path, service.idle);
  if (session == nullptr) {
    ledgers_.give_back(*ledger);
    return nullptr;
  }
  const bool direct = service.direct.has_value();
  extras_.reach(table_.index_of(*session)) = {.ledger = *ledger, .direct = direct, .counted = direct};
  return session;
}

/// Gives the session's place back.
void EdgeSessions::leave(const Session& session) {
  const Extra& known = extra(session);
  shared_.sessions_admission.leave(session.path.remote.address,
                                   known.counted ? std::string{ledger_of(known).service} : std::string{});
}

/// Tells the steering of a new session. Where a direct one has no source, or may not have the client's, it is
/// gone again; PST_R_COMPLETED otherwise.
Reason EdgeSessions::start(Session& session, const Service& service) {
  if (!service.direct) {
    steering_->add(session, {.client = session.path.remote, .local = session.path.local});
    return PST_R_COMPLETED;
  }
  const Reason refusal = direct_.open(session, *service.direct);
  if (refusal == PST_R_COMPLETED) return refusal;
  if (service.direct->transparent && may_tell())
    record_session_refused(shared_.journal, report_without_route(session), refusal);
  ledgers_.give_back(extra(session).ledger);
  table_.remove(session);
  return refusal;
}

/// PST_R_COMPLETED when nothing is against a new session.
Reason EdgeSessions::may_open(const SessionPath& path, const Service* service, Admission::Ticket& ticket) {
  if (service == nullptr) return PST_R_NOT_ASSIGNED;
  if (is_impossible(path)) return PST_R_BAD_SOURCE;
  if (draining_) return PST_R_DRAINING;
  if (service->direct && service->direct->draining) return PST_R_SERVICE_DRAINING;
  if (!service->direct && carriers_.any_carrier(0) == nullptr) return PST_R_TUNNEL_DOWN;
  ServiceLimits limits;  // the hub's to keep, where it has a part in the session
  if (service->direct) {
    limits = {.service = service->service,
              .total = service->direct->max_sessions,
              .per_source = service->direct->max_sessions_per_source};
  }
  auto admitted = shared_.sessions_admission.admit(path.remote.address, limits);
  if (const Reason* const met = std::get_if<Reason>(&admitted)) {
    tell_limit(*met, path, *service);
    return *met;
  }
  ticket = std::get<Admission::Ticket>(std::move(admitted));
  return PST_R_COMPLETED;
}

/// Every datagram of a flood may be refused: one event tells as much as all of them, and costs less.
bool EdgeSessions::may_tell() {
  const Time now = worker_.loop.now();
  if (now < told_ + kTellEvery) return false;
  told_ = now;
  return true;
}

void EdgeSessions::tell_limit(Reason reason, const SessionPath& path, const Service& service) {
  if (!may_tell()) return;
  record_limit(shared_.journal, reason, path.remote, service.service, shared_.address.edge_id);
}

/// When the table is full, the oldest session that was never assured makes room; an assured one never does.
Session* EdgeSessions::add(const SessionPath& path, Duration idle) {
  const Time now = worker_.loop.now();
  if (Session* const added = table_.add(path, idle, now)) return added;
  Session* const oldest = table_.oldest_unassured();
  if (oldest == nullptr) return nullptr;
  end(*oldest, PST_R_EVICTED, true);
  return table_.add(path, idle, now);
}

/// What the programs could not forward to the client of a direct session.
void EdgeSessions::from_backend(Session& session, Bytes payload) {
  LedgerLine& line = to_client(ledger_of(extra(session)), true);
  line.receive(payload.size());
  line.hold(payload.size());
  table_.backend_sent(session, payload.size(), worker_.loop.now());
  steering_->send(session, {}, payload);
  steering_->flush();
}

void EdgeSessions::on_overrun(const Endpoint& local, std::uint64_t datagrams) {
  book_of(services_->find(local.port)).to_backend.lose(PST_R_OVERRUN, datagrams);
  worker_.counters.count(PST_R_OVERRUN, datagrams);
}

void EdgeSessions::on_lost(Reason reason, std::size_t bytes) {
  nobody_.to_backend.receive(bytes);
  drop(nobody_.to_backend, reason, bytes);
}

void EdgeSessions::drop(LedgerLine& line, Reason reason, std::size_t bytes) {
  line.drop(reason, bytes);
  worker_.counters.count(reason);
}

// ---------------------------------------------------------------------------------------------- from the hub

Result<void> EdgeSessions::on_frame(const EdgeCarrier& carrier, FrameType type, std::uint32_t session,
                                    Bytes payload) {
  const SessionId id = SessionId::from(session & ~wire::kSessionBit);
  if (type == FrameType::kUdpDataBack) {
    deliver(id, payload);
    return {};
  }
  const auto [any, lookup] = table_.find(id);
  Session* const found = any != nullptr && !extra(*any).direct ? any : nullptr;
  std::optional<Reason> reason;  // UDP_CLOSE has none: silence ended the session
  if (type == FrameType::kReset) {
    const auto message = parse_reset(payload);
    if (!message) return message.error();
    reason = message->reason;
  }
  if (found == nullptr) {  // it has just ended here too, or never was
    worker_.counters.count(lookup == SessionTable::Lookup::kStale ? PST_R_LATE_FRAME : PST_R_NO_SESSION);
  } else if (type == FrameType::kUdpOpenAck) {
    Extra& known = extra(*found);
    if (known.asked == carrier.serial()) {
      known.carrier = carrier.serial();
      known.slot = static_cast<std::uint16_t>(carrier.index());
    }
    if (is_open_on(known, carrier)) known.acknowledged = true;
  } else {
    end(*found, reason.value_or(end_by_silence(*found)), false);
  }
  return {};
}

void EdgeSessions::deliver(SessionId id, Bytes payload) {
  const auto found = table_.find(id);
  if (found.session == nullptr || extra(*found.session).direct) {  // which is none of the hub's
    LedgerLine& line = nobody_.to_client;
    line.receive(payload.size());
    const bool stale = found.lookup == SessionTable::Lookup::kStale;
    return drop(line, stale ? PST_R_STALE_SESSION : PST_R_NO_SESSION, payload.size());
  }
  Session& session = *found.session;
  LedgerLine& line = ledger_of(extra(session)).to_client;
  line.receive(payload.size());
  line.hold(payload.size());
  table_.backend_sent(session, payload.size(), worker_.loop.now());
  steering_->send(session, {}, payload);
}

void EdgeSessions::on_sent(Session& session, std::size_t bytes, const boost::system::error_code& error) {
  const Extra& known = extra(session);
  LedgerLine& line = to_client(ledger_of(known), known.direct);
  line.release(bytes);
  if (error) return drop(line, PST_R_SEND_FAILED, bytes);
  line.send(bytes);
}

// ---------------------------------------------------------------------------------------------- ends

void EdgeSessions::end(Session& session, Reason reason, bool tell_hub) {
  refresh(session);
  const Extra& known = extra(session);
  EdgeCarrier* const carrier = tell_hub ? carriers_.carrier_in(known.slot, known.carrier) : nullptr;
  if (carrier != nullptr && is_open_on(known, *carrier)) {
    carrier->carrier()->end_session(wire::kSessionBit | session.id.value(), reason, {});
  }
  worker_.counters.count(reason);
  record_session_closed(shared_.journal, report(session), reason);
  if (known.direct) direct_.end(session);
  steering_->remove(session);
  --sessions_on_[session.path.local.port];
  leave(session);
  ledgers_.give_back(known.ledger);
  table_.remove(session);
}

void EdgeSessions::expire() {
  table_.expire(
      worker_.loop.now(), table_.capacity() / kScanParts + 1,
      [this](Session& session) {
        refresh(session);
        follow(session);
      },
      [this](Session& session) { end(session, end_by_silence(session), true); });
  expiring_ = direct_.tidy() || table_.size() > 0;
  if (expiring_) expiry_->arm(worker_.loop.now() + kScanEvery);
}

/// Of a direct session nobody else tells what became of it.
void EdgeSessions::refresh(Session& session) {
  const Extra& known = extra(session);
  if (known.direct) direct_.refresh(session, ledger_of(known));
}

// ---------------------------------------------------------------------------------------------- reports

SessionReport EdgeSessions::report_without_route(const Session& session) {
  SessionReport out = report_of(table_, session, worker_.loop.now());
  out.service = ledger_of(extra(session)).service;
  out.edge = shared_.address.edge_id;
  out.client = session.path.remote;
  out.local = session.path.local;
  out.direct = extra(session).direct;
  return out;
}

SessionReport EdgeSessions::report(const Session& session) {
  SessionReport out = report_without_route(session);
  if (!out.direct) return out;
  out.backend = direct_.route_of(session).backend;
  out.source = direct_.route_of(session).source;
  return out;
}

SessionListing EdgeSessions::sessions(const SessionFilter& filter, std::size_t most) {
  SessionListing listing;
  table_.for_each([&](Session& session) {
    refresh(session);
    if (!filter.wants(ledger_of(extra(session)).service, shared_.address.edge_id, session.path.remote,
                      session.state()))
      return;
    if (++listing.total <= most) listing.shown.push_back(report(session));
  });
  return listing;
}

}  // namespace penstock
