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
      table_{shared.steering.first_slot() + worker.index * share_of(shared.limits.sessions, shared.workers),
             share_of(shared.limits.sessions, shared.workers), shared.flow.unreplied},
      wire_ids_{table_.capacity()},
      ledger_{ledger},
      nobody_{ledger.of({})},
      steering_{
          shared.steering.make(worker.index, worker.network, table_, static_cast<SteeringObserver&>(*this))},
      v4_{steering_->sources(true, share_of(shared.limits.backend_sockets, shared.workers)),
          shared.flow.quarantine},
      v6_{steering_->sources(false, share_of(shared.limits.backend_sockets, shared.workers)),
          shared.flow.quarantine},
      expiry_{worker.loop.make_timer([this] { expire(); })} {
  steering_->adopt([this](const Steering::Left& left) { return adopt(left); });
  expiring_ = table_.size() > 0;
  if (expiring_) expiry_->arm(worker_.loop.now() + kScanEvery);
}

HubSessions::~HubSessions() {
  table_.for_each([this](Session& session) { leave(session); });
}

// ---------------------------------------------------------------------------------------------- tunnels

std::shared_ptr<SessionTunnel> HubSessions::tunnel(const std::string& edge, std::uint64_t instance) {
  auto& tunnel = tunnels_[{edge, instance}];
  if (tunnel == nullptr) tunnel = take_left(edge, instance);
  if (tunnel == nullptr) {
    tunnel = std::make_shared<SessionTunnel>(SessionTunnel{.edge = edge,
                                                           .hash = hash_of_edge(edge),
                                                           .instance = instance,
                                                           .number = ++tunnels_made_,
                                                           .nobody = &ledger_.of({}, edge)});
  }
  return tunnel;
}

void HubSessions::keep_only(const std::string& edge, std::uint64_t instance, Reason reason) {
  for (const auto& [key, tunnel] : tunnels_) {
    if (key.first != edge || key.second == instance) continue;
    end_all(*tunnel, reason);
  }
  for (const auto& [key, tunnel] : left_) {
    if (key.first == hash_of_edge(edge) && key.second != instance) end_all(*tunnel, reason);
  }
  tidy();
}

void HubSessions::end_all(const SessionTunnel& tunnel, Reason reason) {
  if (tunnel.sessions == 0) return;
  table_.for_each([&](Session& session) {
    if (origin_of(extra(session)).tunnel == &tunnel) end(session, reason, true);
  });
}

/// Most changes of routes concern no session: then the table is not looked through.
void HubSessions::check_routes(SessionTunnel& tunnel, const RouteTable& routes) {
  if (still_routed(tunnel, routes)) return;
  table_.for_each([&](Session& session) {
    const Origin& origin = origin_of(extra(session));
    if (origin.tunnel != &tunnel || origin.service == left_service_) return;
    const Route* const route = routes.find_udp(steering_->seen(session).local.port);
    if (route == nullptr || route->service->name != origin.service->name)
      end(session, PST_R_SERVICE_REMOVED, true);
  });
}

/// Whether all ports of all services that the tunnel has sessions of are theirs still.
bool HubSessions::still_routed(const SessionTunnel& tunnel, const RouteTable& routes) const {
  bool still = true;
  origins_.for_each([&](const Origin& origin) {
    if (origin.tunnel != &tunnel || !still) return;
    for (const PortRange& range : origin.service->ports.ranges()) {
      for (std::uint32_t port = range.first; port <= range.last && still; ++port) {
        const Route* const route = routes.find_udp(static_cast<std::uint16_t>(port));
        still = route != nullptr && route->service->name == origin.service->name;
      }
    }
  });
  return still;
}

/// Tunnels that neither carriers nor sessions need any more.
void HubSessions::tidy() {
  const auto unused = [](const auto& entry) {
    return entry.second->sessions == 0 && entry.second.use_count() == 1;
  };
  std::erase_if(tunnels_, unused);
  std::erase_if(left_, unused);
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
  if (type == FrameType::kUdpMove) {
    move(tunnel, carrier, routes, wire_id, payload);
    return {};
  }
  std::optional<Reason> reason;  // UDP_CLOSE has none: silence ended the session
  if (type == FrameType::kReset) {
    const auto message = parse_reset(payload);
    if (!message) return message.error();
    reason = message->reason;
  }
  Session* const found = find(tunnel, wire_id);
  if (found != nullptr) end(*found, reason.value_or(end_by_silence(*found)), false);
  return {};
}

Session* HubSessions::find(const SessionTunnel& tunnel, std::uint32_t wire_id) {
  const std::uint32_t index = wire_ids_.find({.tunnel = tunnel.number, .id = wire_id},
                                             [this](std::uint32_t other) { return key_of(extras_[other]); });
  return index == WireIds::kNone ? nullptr : &table_.session(index);
}

void HubSessions::open(SessionTunnel& tunnel, std::uint64_t carrier, const RouteTable& routes,
                       std::uint32_t wire_id, Bytes header) {
  const auto addresses = parse_proxy_v2_datagram(header);
  if (!addresses) return refuse(carrier, wire_id, PST_R_BAD_OPEN, addresses.error().what);
  const Route* const route = routes.find_udp(addresses->local.port);
  if (Session* const found = find(tunnel, wire_id)) {
    if (take_up(*found, route, *addresses)) return go_on(*found, carrier);
    end(*found, PST_R_REPLACED, false);
  }
  Admission::Ticket ticket;
  const Reason refusal = admit(route, addresses->client, tunnel.edge, ticket);
  if (refusal != PST_R_COMPLETED) return refuse(carrier, wire_id, refusal, {});
  const Endpoint backend = backend_for(*route, *addresses);
  OwnEnd own;
  Session* const session = make(tunnel, route->service, *addresses, backend, own);
  if (session == nullptr) {
    tell_refused(tunnel, *route->service, *addresses, backend, own.refusal);
    return refuse(carrier, wire_id, own.refusal, own.text);
  }
  Extra& known = extra(*session);
  use_carrier(known, carrier);
  known.wire_id = wire_id;
  known.source = own.source & kSources;
  wire_ids_.insert(key_of(known), table_.index_of(*session));
  ticket.keep();
  remember(*session);
  worker_.counters.sessions_opened.add(1);
  record_session_opened(shared_.journal, report(*session));
  if (Carrier* const back = carriers_.carrier(carrier)) back->acknowledge_session(wire_id);
  if (!std::exchange(expiring_, true)) expiry_->arm(worker_.loop.now() + kScanEvery);
}

/// Of a session that is not open here, or not with these addresses, nothing becomes.
void HubSessions::move(const SessionTunnel& tunnel, std::uint64_t carrier, const RouteTable& routes,
                       std::uint32_t wire_id, Bytes header) {
  const auto addresses = parse_proxy_v2_datagram(header);
  if (!addresses) return refuse(carrier, wire_id, PST_R_BAD_OPEN, addresses.error().what);
  Session* const found = find(tunnel, wire_id);
  if (found == nullptr || !take_up(*found, routes.find_udp(addresses->local.port), *addresses)) return;
  go_on(*found, carrier);
}

/// Whether it is the session of these addresses; one that the process before left is ours from then on.
bool HubSessions::take_up(Session& session, const Route* route, const ProxyAddresses& addresses) {
  if (is_left(extra(session))) return resume(session, route, addresses);
  return steering_->seen(session) == addresses && route != nullptr &&
         route->service->name == origin_of(extra(session)).service->name;
}

/// Its edge came back.
void HubSessions::go_on(Session& session, std::uint64_t carrier) {
  Extra& known = extra(session);
  use_carrier(known, carrier);
  remember(session);
  if (Carrier* const back = carriers_.carrier(carrier)) back->acknowledge_session(known.wire_id);
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

/// Null when there is no room for one more session, or for sessions of one more service and edge.
Session* HubSessions::add(const SessionPath& path, SessionTunnel& tunnel,
                          const std::shared_ptr<const Service>& service) {
  const auto origin = origins_.take(
      {.service = service, .tunnel = &tunnel, .ledger = &ledger_.of(service->name, tunnel.edge)});
  if (!origin) return nullptr;
  Session* const session = add_to_table(path, service->udp_idle);
  if (session == nullptr) {
    origins_.give_back(*origin);
    return nullptr;
  }
  extras_.reach(table_.index_of(*session)) = {.origin = *origin};
  ++tunnel.sessions;
  return session;
}

/// When the table is full, the oldest session that was never assured makes room; an assured one never does.
Session* HubSessions::add_to_table(const SessionPath& path, Duration idle) {
  const Time now = worker_.loop.now();
  if (Session* const added = table_.add(path, idle, now)) return added;
  Session* const oldest = table_.oldest_unassured();
  if (oldest == nullptr) return nullptr;
  end(*oldest, PST_R_EVICTED, true);
  return table_.add(path, idle, now);
}

void HubSessions::deliver(SessionTunnel& tunnel, std::uint64_t carrier, std::uint32_t wire_id,
                          Bytes payload) {
  Session* const found = find(tunnel, wire_id);
  if (found == nullptr || is_left(extra(*found))) {
    LedgerLine& line = tunnel.nobody->to_backend;
    line.receive(payload.size());
    return drop(line, PST_R_NO_SESSION, payload.size());
  }
  Session& session = *found;
  Extra& known = extra(session);
  use_carrier(known, carrier);
  origin_of(known).ledger->to_backend.receive(payload.size());
  table_.client_sent(session, payload.size(), worker_.loop.now());
  send(session, payload);
}

void HubSessions::send(Session& session, Bytes payload) {
  Extra& known = extra(session);
  const Service& service = *origin_of(known).service;
  LedgerLine& line = origin_of(known).ledger->to_backend;
  ProxyV2Header header;
  const bool wanted = service.client == ClientHeader::kProxyV2 &&
                      (service.proxy_v2 == ProxyV2Mode::kEvery || known.header_sent == 0);
  if (wanted) header = proxy_v2_datagram(steering_->seen(session));
  const bool apart = wanted && service.proxy_v2 == ProxyV2Mode::kSeparate;
  const std::size_t most = session.path.remote.address.is_v4() ? kMostV4 : kMostV6;
  if (payload.size() + (apart ? 0 : header.size) > most) return drop(line, PST_R_TOO_LARGE, payload.size());
  if (apart) steering_->send_header(session, header.view());
  known.header_sent = 1;
  line.hold(payload.size());
  steering_->send(session, apart ? Bytes{} : header.view(), payload);
}

void HubSessions::on_sent(Session& session, std::size_t bytes, const boost::system::error_code& error) {
  LedgerLine& line = origin_of(extra(session)).ledger->to_backend;
  line.release(bytes);
  if (error) return drop(line, PST_R_SEND_FAILED, bytes);
  line.send(bytes);
}

// ---------------------------------------------------------------------------------------------- from
// backends

void HubSessions::on_datagram(Session& session, Bytes payload) {
  Extra& known = extra(session);
  LedgerLine& line = origin_of(known).ledger->to_client;
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
  leave(session);
  steering_->remove(session);
  wire_ids_.erase(key_of(known), table_.index_of(session),
                  [this](std::uint32_t other) { return key_of(extras_[other]); });
  --origin_of(known).tunnel->sessions;
  give_back(*origin_of(known).service, session.path.remote, known.source);
  origins_.give_back(static_cast<std::uint16_t>(known.origin));
  table_.remove(session);
}

/// Gives the session's place back.
void HubSessions::leave(const Session& session) {
  shared_.sessions_admission.leave(steering_->seen(session).client.address,
                                   origin_of(extra(session)).service->name);
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
  const Origin& origin = origin_of(extra(session));
  const ProxyAddresses seen = steering_->seen(session);
  SessionReport out = report_of(table_, session, worker_.loop.now());
  out.service = origin.service->name;
  out.edge = origin.tunnel->edge;
  out.client = seen.client;
  out.local = seen.local;
  out.backend = session.path.remote;
  out.source = session.path.local;
  return out;
}

SessionListing HubSessions::sessions(const SessionFilter& filter, std::size_t most) {
  SessionListing listing;
  table_.for_each([&](Session& session) {
    const Origin& origin = origin_of(extra(session));
    const Endpoint client = steering_->seen(session).client;
    if (!filter.wants(origin.service->name, origin.tunnel->edge, client, session.state())) return;
    if (++listing.total <= most) listing.shown.push_back(report(session));
  });
  return listing;
}

}  // namespace penstock
