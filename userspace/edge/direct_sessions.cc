#include "edge/direct_sessions.h"

#include "tunnel/admission.h"

namespace penstock {
namespace {

/// What fits into one datagram: IPv4 counts its own header into the length, IPv6 does not.
constexpr std::size_t kMostV4 = 65507;
constexpr std::size_t kMostV6 = 65527;

ForwardedTraffic difference(const ForwardedTraffic& now, const ForwardedTraffic& before) {
  return {.to_backend_datagrams = now.to_backend_datagrams - before.to_backend_datagrams,
          .to_backend_bytes = now.to_backend_bytes - before.to_backend_bytes,
          .to_client_datagrams = now.to_client_datagrams - before.to_client_datagrams,
          .to_client_bytes = now.to_client_bytes - before.to_client_bytes,
          .client_sent = now.client_sent,
          .backend_sent = now.backend_sent};
}

}  // namespace

DirectSessions::DirectSessions(const Worker& worker, EdgeShared& shared, SessionTable& table,
                               Steering& steering)
    : worker_{worker},
      table_{table},
      steering_{steering},
      v4_{steering.sources(true, share_of(shared.backend_sockets, shared.workers)), shared.flow.quarantine},
      v6_{steering.sources(false, share_of(shared.backend_sockets, shared.workers)), shared.flow.quarantine} {
}

Reason DirectSessions::open(Session& session, const UdpServices::Direct& service) {
  const Endpoint backend{service.address_for(session.path.remote.address),
                         service.backend_port(session.path.local.port)};
  if (service.transparent) return open_transparent(session, backend);
  const auto number = take_source(backend);
  if (!number) return PST_R_NO_BACKEND_PORT;
  const auto source = steering_.source(*number, backend);
  if (!source) {
    sources_of(backend).return_unused(backend, *number, worker_.loop.now());
    return PST_R_NO_BACKEND_PORT;
  }
  return add(
      session,
      {.route = {.backend = backend, .source = *source, .proxy_in_each = service.header == Header::kEvery},
       .source = *number,
       .header = service.header});
}

Reason DirectSessions::open_transparent(Session& session, const Endpoint& backend) {
  const Endpoint& client = session.path.remote;
  const Reason refusal = steering_.may_send_as(client, backend);
  if (refusal != PST_R_COMPLETED) return refusal;
  if (by_backend_.contains({.local = client, .remote = backend})) return PST_R_SOURCE_TAKEN;
  return add(session, {.route = {.backend = backend, .source = client, .transparent = true}});
}

/// Its header was sent by the process before, and its counts are in the books of that one.
bool DirectSessions::adopt(Session& session, const DirectRoute& route) {
  DirectSteering* const direct = steering_.direct();
  if (direct == nullptr || by_backend_.contains({.local = route.source, .remote = route.backend}))
    return false;
  const auto number = route.transparent ? 0 : direct->number_of(route);
  if (!number) return false;
  if (!route.transparent && !sources_of(route.backend).claim(route.backend, *number, worker_.loop.now()))
    return false;
  const Reason added = add(session, {.route = route,
                                     .source = *number,
                                     .header = route.proxy_in_each ? Header::kEvery : Header::kNone,
                                     .header_sent = true});
  if (added != PST_R_COMPLETED) return false;
  known_.at(session.id.value()).booked = direct->forwarded(session);
  direct->forward_client(session);
  known_.at(session.id.value()).forwarded = true;
  return true;
}

Reason DirectSessions::add(Session& session, const Known& known) {
  const ProxyAddresses seen{.client = session.path.remote, .local = session.path.local};
  const Reason refusal = steering_.direct()->add_direct(session, seen, known.route);
  if (refusal != PST_R_COMPLETED) return refusal;
  known_[session.id.value()] = known;
  by_backend_[{.local = known.route.source, .remote = known.route.backend}] = &session;
  return PST_R_COMPLETED;
}

void DirectSessions::end(Session& session) {
  const auto found = known_.find(session.id.value());
  const DirectRoute& route = found->second.route;
  by_backend_.erase({.local = route.source, .remote = route.backend});
  if (!route.transparent)
    sources_of(route.backend).give_back(route.backend, found->second.source, worker_.loop.now());
  known_.erase(found);
}

std::optional<std::uint32_t> DirectSessions::take_source(const Endpoint& backend) {
  BackendSources& sources = sources_of(backend);
  const Time now = worker_.loop.now();
  if (const auto source = sources.take(backend, now)) return source;
  if (!sources.may_open()) return std::nullopt;
  sources.open();
  return sources.take(backend, now);
}

Session* DirectSessions::find(const SessionPath& path) const {
  const auto found = by_backend_.find(path);
  return found == by_backend_.end() ? nullptr : found->second;
}

void DirectSessions::to_backend(Session& session, Bytes payload, LedgerLine& line) {
  Known& known = known_.at(session.id.value());
  ProxyV2Header header;
  if (known.header == Header::kEvery || (known.header != Header::kNone && !known.header_sent))
    header = proxy_v2_datagram({.client = session.path.remote, .local = session.path.local});
  const bool apart = known.header == Header::kSeparate && header.size > 0;
  const std::size_t most = known.route.backend.address.is_v4() ? kMostV4 : kMostV6;
  if (payload.size() + (apart ? 0 : header.size) > most) return drop(line, PST_R_TOO_LARGE, payload.size());
  DirectSteering& direct = *steering_.direct();
  if (apart) static_cast<void>(direct.send_to_backend(session, header.view(), {}));
  const auto failed = direct.send_to_backend(session, apart ? Bytes{} : header.view(), payload);
  known.header_sent = true;
  if (failed) {
    drop(line, PST_R_SEND_FAILED, payload.size());
  } else {
    line.send(payload.size());
  }
  if (!std::exchange(known.forwarded, true)) direct.forward_client(session);
}

void DirectSessions::refresh(Session& session, ServiceLedger& ledger) {
  Known& known = known_.at(session.id.value());
  const ForwardedTraffic now = steering_.direct()->forwarded(session);
  const ForwardedTraffic more = difference(now, known.booked);
  known.booked = now;
  table_.forwarded(session, more);
  ledger.direct_to_backend.pass(more.to_backend_datagrams, more.to_backend_bytes);
  ledger.direct_to_client.pass(more.to_client_datagrams, more.to_client_bytes);
}

bool DirectSessions::tidy() {
  v4_.tidy(worker_.loop.now());
  v6_.tidy(worker_.loop.now());
  return v4_.backends() > 0 || v6_.backends() > 0;
}

void DirectSessions::drop(LedgerLine& line, Reason reason, std::size_t bytes) {
  line.drop(reason, bytes);
  worker_.counters.count(reason);
}

}  // namespace penstock
