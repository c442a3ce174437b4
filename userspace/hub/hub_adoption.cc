// Sessions that the process before left in the kernel's maps: they wait for their edges to open them again.
#include <algorithm>

#include "hub/hub_worker.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

/// An edge that is still there has come back by then.
constexpr Duration kLeftIdle = 60s;

}  // namespace

/// Keeps its id and its source. What it belongs to is not known before its edge comes: until then its
/// backend's answers are dropped.
bool HubSessions::adopt(const Steering::Left& left) {
  if (!left.origin || !left.source || table_.find(left.path) != nullptr) return false;
  auto admitted = shared_.sessions_admission.admit(left.seen.client.address, {});
  auto* const ticket = std::get_if<Admission::Ticket>(&admitted);
  if (ticket == nullptr) return false;
  SessionTunnel& tunnel = left_tunnel(*left.origin);
  if (find(tunnel, left.origin->wire_id) != nullptr) return false;
  const auto origin = origins_.take({.service = left_service_, .tunnel = &tunnel, .ledger = &nobody_});
  if (!origin) return false;
  Session* const session = restore(left);
  if (session == nullptr) {
    origins_.give_back(*origin);
    return false;
  }
  Extra& known = extras_.reach(table_.index_of(*session));
  known = {.origin = *origin,
           .wire_id = left.origin->wire_id,
           .source = *left.source & kSources,
           .header_sent = 1};
  ++tunnel.sessions;
  wire_ids_.insert(key_of(known), table_.index_of(*session));
  ticket->keep();
  steering_->add(*session, left.seen);
  steering_->remember(*session, *left.origin);
  inherited_.insert(
      {.edge = left.origin->edge, .instance = left.origin->instance, .carrier = left.origin->carrier});
  return true;
}

Session* HubSessions::restore(const Steering::Left& left) {
  const Time now = worker_.loop.now();
  BackendSources& sources = sources_of(left.path.remote);
  if (!sources.claim(left.path.remote, *left.source, now)) return nullptr;
  Session* const session = table_.restore(left.id, left.path, kLeftIdle, now);
  if (session == nullptr) sources.give_back(left.path.remote, *left.source, now);
  return session;
}

SessionTunnel& HubSessions::left_tunnel(const SessionOrigin& origin) {
  auto& tunnel = left_[{origin.edge, origin.instance}];
  if (tunnel == nullptr) {
    tunnel = std::make_shared<SessionTunnel>(SessionTunnel{.edge = {},
                                                           .hash = origin.edge,
                                                           .instance = origin.instance,
                                                           .number = ++tunnels_made_,
                                                           .nobody = &nobody_});
  }
  return *tunnel;
}

/// The edge has come; null when nothing was left of that instance of it.
std::shared_ptr<SessionTunnel> HubSessions::take_left(const std::string& edge, std::uint64_t instance) {
  const auto found = left_.find({hash_of_edge(edge), instance});
  if (found == left_.end()) return nullptr;
  auto tunnel = std::move(found->second);
  left_.erase(found);
  tunnel->edge = edge;
  tunnel->nobody = &ledger_.of({}, edge);
  return tunnel;
}

/// Its edge opens it again: it goes on if it is still the same. False: it must end, and one is opened anew.
bool HubSessions::resume(Session& session, const Route* route, const ProxyAddresses& addresses) {
  if (route == nullptr || steering_->seen(session) != addresses) return false;
  const Service& service = *route->service;
  const Endpoint& backend = session.path.remote;
  const bool same =
      service.client != ClientHeader::kTransparent &&
      service.backend_port(addresses.local.port) == backend.port &&
      std::find(route->addresses.begin(), route->addresses.end(), backend.address) != route->addresses.end();
  if (!same) return false;
  Extra& known = extra(session);
  SessionTunnel& tunnel = *origin_of(known).tunnel;
  Admission::Ticket ticket;
  if (admit(route, addresses.client, tunnel.edge, ticket) != PST_R_COMPLETED) return false;
  const auto origin = origins_.take(
      {.service = route->service, .tunnel = &tunnel, .ledger = &ledger_.of(service.name, tunnel.edge)});
  if (!origin) return false;
  leave(session);  // its place among those that belong to no service
  ticket.keep();
  origins_.give_back(static_cast<std::uint16_t>(known.origin));
  known.origin = *origin;
  table_.set_idle(session, service.udp_idle);
  return true;
}

/// Tells the process after this one.
void HubSessions::remember(const Session& session) {
  const Extra& known = extra(session);
  const SessionTunnel& tunnel = *origin_of(known).tunnel;
  if (const auto index = carriers_.index_of(known.carrier)) {
    steering_->remember(
        session,
        {.edge = tunnel.hash, .instance = tunnel.instance, .wire_id = known.wire_id, .carrier = *index});
  }
}

}  // namespace penstock
