#include "hub/hub_sessions.h"

#include <algorithm>
#include <optional>

#include "hub/hub_worker.h"
#include "tunnel/flow_journal.h"
#include "tunnel/session_journal.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

/// The whole table is looked at for sessions that are over once in kScanEvery * kScanParts.
constexpr Duration kScanEvery = 50ms;
constexpr std::uint32_t kScanParts = 20;
/// What fits into one datagram: IPv4 counts its own header into the length, IPv6 does not.
constexpr std::size_t kMostV4 = 65507;
constexpr std::size_t kMostV6 = 65527;

}  // namespace

HubSessions::HubSessions(const Worker& worker, HubShared& shared, Ledger& ledger, HubCarriers& carriers)
    : worker_{worker},
      shared_{shared},
      carriers_{carriers},
      table_{shared.steering.first_slot() + worker.index * share_of(shared.sessions, shared.workers),
             share_of(shared.sessions, shared.workers), shared.flow.unreplied},
      ledger_{ledger},
      nobody_{ledger.of({})},
      steering_{
          shared.steering.make(worker.index, worker.network, table_, static_cast<SteeringObserver&>(*this))},
      v4_{steering_->sources(true, share_of(shared.backend_sockets, shared.workers)), shared.flow.quarantine},
      v6_{steering_->sources(false, share_of(shared.backend_sockets, shared.workers)),
          shared.flow.quarantine},
      expiry_{worker.loop.make_timer([this] { expire(); })} {
  steering_->adopt([](const Steering::Left& /*left*/) { return false; });
}

HubSessions::~HubSessions() = default;

// ---------------------------------------------------------------------------------------------- tunnels

std::shared_ptr<SessionTunnel> HubSessions::tunnel(const std::string& edge, std::uint64_t instance) {
  auto& tunnel = tunnels_[{edge, instance}];
  if (tunnel == nullptr) {
    tunnel = std::make_shared<SessionTunnel>(
        SessionTunnel{.edge = edge, .instance = instance, .nobody = &ledger_.of({}, edge), .sessions = {}});
  }
  return tunnel;
}

void HubSessions::keep_only(const std::string& edge, std::uint64_t instance, Reason reason) {
  for (const auto& [key, tunnel] : tunnels_) {
    if (key.first != edge || key.second == instance) continue;
    while (!tunnel->sessions.empty()) end(*tunnel->sessions.begin()->second, reason, true);
  }
  tidy();
}

void HubSessions::check_routes(SessionTunnel& tunnel, const RouteTable& routes) {
  std::vector<Session*> gone;
  for (const auto& [wire_id, session] : tunnel.sessions) {
    const Extra& known = extra(*session);
    const Route* const route = routes.find_udp(known.addresses.local.port);
    if (route == nullptr || route->service->name != known.service->name) gone.push_back(session);
  }
  for (Session* const session : gone) end(*session, PST_R_SERVICE_REMOVED, true);
}

/// Tunnels that neither carriers nor sessions need any more.
void HubSessions::tidy() {
  std::erase_if(tunnels_, [](const auto& entry) {
    return entry.second->sessions.empty() && entry.second.use_count() == 1;
  });
  v4_.tidy(worker_.loop.now());
  v6_.tidy(worker_.loop.now());
}

// ---------------------------------------------------------------------------------------------- from edges

Result<void> HubSessions::on_frame(SessionTunnel& tunnel, std::uint64_t carrier, const RouteTable& routes,
                                   FrameType type, std::uint32_t wire_id, Bytes payload) {
  if (type == FrameType::kUdpData) {
    deliver(tunnel, carrier, wire_id, payload);
    return {};
  }
  if (type == FrameType::kUdpOpen) {
    open(tunnel, carrier, routes, wire_id, payload);
    return {};
  }
  std::optional<Reason> reason;  // UDP_CLOSE has none: silence ended the session
  if (type == FrameType::kReset) {
    const auto message = parse_reset(payload);
    if (!message) return message.error();
    reason = message->reason;
  }
  const auto found = tunnel.sessions.find(wire_id);
  if (found == tunnel.sessions.end()) return {};
  end(*found->second, reason.value_or(end_by_silence(*found->second)), false);
  return {};
}

void HubSessions::open(SessionTunnel& tunnel, std::uint64_t carrier, const RouteTable& routes,
                       std::uint32_t wire_id, Bytes header) {
  const auto addresses = parse_proxy_v2_datagram(header);
  if (!addresses) return refuse(carrier, wire_id, PST_R_BAD_OPEN, addresses.error().what);
  const Route* const route = routes.find_udp(addresses->local.port);
  if (const auto found = tunnel.sessions.find(wire_id); found != tunnel.sessions.end()) {
    Extra& known = extra(*found->second);
    if (known.addresses == *addresses && route != nullptr && route->service->name == known.service->name) {
      known.carrier = carrier;  // the edge came back
      if (Carrier* const back = carriers_.carrier(carrier)) back->acknowledge_session(wire_id);
      return;
    }
    end(*found->second, PST_R_REPLACED, false);
  }
  Admission::Ticket ticket;
  const Reason refusal = admit(route, addresses->client, tunnel.edge, ticket);
  if (refusal != PST_R_COMPLETED) return refuse(carrier, wire_id, refusal, {});
  const Service& service = *route->service;
  const Endpoint backend = backend_for(*route, *addresses);
  OwnEnd own;
  Session* const session = make(service, *addresses, backend, own);
  if (session == nullptr) {
    tell_refused(tunnel, service, *addresses, backend, own.refusal);
    return refuse(carrier, wire_id, own.refusal, own.text);
  }
  if (extras_.size() <= table_.index_of(*session)) extras_.resize(table_.index_of(*session) + 1);
  extra(*session) = {.service = route->service,
                     .ledger = &ledger_.of(service.name, tunnel.edge),
                     .tunnel = &tunnel,
                     .carrier = carrier,
                     .wire_id = wire_id,
                     .source = own.source,
                     .addresses = *addresses,
                     .ticket = std::move(ticket)};
  tunnel.sessions[wire_id] = session;
  worker_.counters.sessions_opened.add(1);
  record_session_opened(shared_.journal, report(*session));
  if (Carrier* const back = carriers_.carrier(carrier)) back->acknowledge_session(wire_id);
  if (!std::exchange(expiring_, true)) expiry_->arm(worker_.loop.now() + kScanEvery);
}

/// PST_R_COMPLETED when nothing is against the session.
Reason HubSessions::admit(const Route* route, const Endpoint& client, std::string_view edge,
                          Admission::Ticket& ticket) {
  if (route == nullptr) return PST_R_NOT_ASSIGNED;
  const Service& service = *route->service;
  if (service.draining) return PST_R_SERVICE_DRAINING;
  if (route->addresses.empty()) return PST_R_NO_ADDRESS;
  auto admitted = shared_.sessions_admission.admit(
      client.address,
      {.service = service.name, .total = service.max_flows, .per_source = service.max_flows_per_source});
  if (const Reason* const met = std::get_if<Reason>(&admitted)) {
    record_limit(shared_.journal, *met, client, service.name, edge);
    return *met;
  }
  ticket = std::get<Admission::Ticket>(std::move(admitted));
  return PST_R_COMPLETED;
}

/// When the table is full, the oldest session that was never assured makes room; an assured one never does.
Session* HubSessions::add(const SessionPath& path, Duration idle) {
  const Time now = worker_.loop.now();
  if (Session* const added = table_.add(path, idle, now)) return added;
  Session* const oldest = table_.oldest_unassured();
  if (oldest == nullptr) return nullptr;
  end(*oldest, PST_R_EVICTED, true);
  return table_.add(path, idle, now);
}

void HubSessions::deliver(SessionTunnel& tunnel, std::uint64_t carrier, std::uint32_t wire_id,
                          Bytes payload) {
  const auto found = tunnel.sessions.find(wire_id);
  if (found == tunnel.sessions.end()) {
    LedgerLine& line = tunnel.nobody->to_backend;
    line.receive(payload.size());
    return drop(line, PST_R_NO_SESSION, payload.size());
  }
  Session& session = *found->second;
  Extra& known = extra(session);
  known.carrier = carrier;
  known.ledger->to_backend.receive(payload.size());
  table_.client_sent(session, payload.size(), worker_.loop.now());
  send(session, payload);
}

void HubSessions::send(Session& session, Bytes payload) {
  Extra& known = extra(session);
  LedgerLine& line = known.ledger->to_backend;
  ProxyV2Header header;
  const bool wanted = known.service->client == ClientHeader::kProxyV2 &&
                      (known.service->proxy_v2 == ProxyV2Mode::kEvery || !known.header_sent);
  if (wanted) header = proxy_v2_datagram(known.addresses);
  const bool apart = wanted && known.service->proxy_v2 == ProxyV2Mode::kSeparate;
  const std::size_t most = session.path.remote.address.is_v4() ? kMostV4 : kMostV6;
  if (payload.size() + (apart ? 0 : header.size) > most) return drop(line, PST_R_TOO_LARGE, payload.size());
  if (apart) steering_->send_header(session, header.view());
  known.header_sent = true;
  line.hold(payload.size());
  steering_->send(session, apart ? Bytes{} : header.view(), payload);
}

void HubSessions::on_sent(Session& session, std::size_t bytes, const boost::system::error_code& error) {
  LedgerLine& line = extra(session).ledger->to_backend;
  line.release(bytes);
  if (error) return drop(line, PST_R_SEND_FAILED, bytes);
  line.send(bytes);
}

// ---------------------------------------------------------------------------------------------- from
// backends

void HubSessions::on_datagram(Session& session, Bytes payload) {
  Extra& known = extra(session);
  LedgerLine& line = known.ledger->to_client;
  line.receive(payload.size());
  table_.backend_sent(session, payload.size(), worker_.loop.now());
  if (payload.size() > wire::kMaxDatagram) return drop(line, PST_R_TOO_LARGE, payload.size());
  Carrier* const carrier = carriers_.carrier(known.carrier);
  if (carrier == nullptr) return drop(line, PST_R_TUNNEL_DOWN, payload.size());
  if (!carrier->send_datagram(FrameType::kUdpDataBack, known.wire_id, payload, line))
    drop(line, PST_R_QUEUE_FULL, payload.size());
}

/// From nobody's backend, or from one whose session has ended.
void HubSessions::on_stranger(const SessionPath& /*path*/, Bytes payload) {
  LedgerLine& line = nobody_.to_client;
  line.receive(payload.size());
  drop(line, PST_R_STRAY, payload.size());
}

void HubSessions::on_overrun(const Endpoint& /*local*/, std::uint64_t datagrams) {
  nobody_.to_client.lose(PST_R_OVERRUN, datagrams);
  worker_.counters.count(PST_R_OVERRUN, datagrams);
}

void HubSessions::on_lost(Reason reason, std::size_t bytes) {
  nobody_.to_client.receive(bytes);
  drop(nobody_.to_client, reason, bytes);
}

void HubSessions::drop(LedgerLine& line, Reason reason, std::size_t bytes) {
  line.drop(reason, bytes);
  worker_.counters.count(reason);
}

// ---------------------------------------------------------------------------------------------- ends

void HubSessions::refuse(std::uint64_t carrier, std::uint32_t wire_id, Reason reason,
                         const std::string& text) {
  worker_.counters.count(reason);
  if (Carrier* const back = carriers_.carrier(carrier)) back->end_session(wire_id, reason, text);
}

void HubSessions::end(Session& session, Reason reason, bool tell_edge) {
  Extra& known = extra(session);
  Carrier* const carrier = tell_edge ? carriers_.carrier(known.carrier) : nullptr;
  if (carrier != nullptr) carrier->end_session(known.wire_id, reason, {});
  worker_.counters.count(reason);
  record_session_closed(shared_.journal, report(session), reason);
  steering_->remove(session);
  known.tunnel->sessions.erase(known.wire_id);
  give_back(*known.service, session.path.remote, known.source);
  known = {};
  table_.remove(session);
}

void HubSessions::expire() {
  table_.expire(worker_.loop.now(), table_.capacity() / kScanParts + 1,
                [this](Session& session) { end(session, end_by_silence(session), true); });
  tidy();
  expiring_ = table_.size() > 0 || v4_.backends() > 0 || v6_.backends() > 0;
  if (expiring_) expiry_->arm(worker_.loop.now() + kScanEvery);
}

// ---------------------------------------------------------------------------------------------- reports

SessionReport HubSessions::report(const Session& session) {
  const Extra& known = extra(session);
  SessionReport out = report_of(session, worker_.loop.now());
  out.service = known.service->name;
  out.edge = known.tunnel->edge;
  out.client = known.addresses.client;
  out.local = known.addresses.local;
  out.backend = session.path.remote;
  out.source = session.path.local;
  return out;
}

SessionListing HubSessions::sessions(const SessionFilter& filter, std::size_t most) {
  SessionListing listing;
  table_.for_each([&](Session& session) {
    const Extra& known = extra(session);
    if (!filter.wants(known.service->name, known.tunnel->edge, known.addresses.client, session.state)) return;
    if (++listing.total <= most) listing.shown.push_back(report(session));
  });
  return listing;
}

}  // namespace penstock
