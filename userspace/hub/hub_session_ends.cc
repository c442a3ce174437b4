// The ends of a hub's sessions: which backend, and what it sees as the sender.
#include <algorithm>

#include "hub/hub_worker.h"
#include "tunnel/session_journal.h"

namespace penstock {

/// The first; of a transparent service the first of the client's family, if there is one.
Endpoint HubSessions::backend_for(const Route& route, const ProxyAddresses& addresses) {
  const bool v4 = addresses.client.address.is_v4();
  auto address = route.addresses.begin();
  if (route.service->client == ClientHeader::kTransparent) {
    address = std::find_if(route.addresses.begin(), route.addresses.end(),
                           [v4](const IpAddress& each) { return each.is_v4() == v4; });
  }
  if (address == route.addresses.end()) address = route.addresses.begin();
  return {*address, route.service->backend_port(addresses.local.port)};
}

/// A session that the steering knows; null when there is none, and `own` says why.
Session* HubSessions::make(SessionTunnel& tunnel, const std::shared_ptr<const Service>& service,
                           const ProxyAddresses& addresses, const Endpoint& backend, OwnEnd& own) {
  own = own_end(*service, addresses.client, backend);
  if (own.refusal != PST_R_COMPLETED) return nullptr;
  Session* const session = add({.local = own.local, .remote = backend}, tunnel, service);
  if (session == nullptr) {
    if (service->client != ClientHeader::kTransparent)
      sources_of(backend).return_unused(backend, own.source, worker_.loop.now());
    own.refusal = PST_R_LIMIT_TOTAL;
    return nullptr;
  }
  own.refusal = start(*session, *service, addresses);
  return own.refusal == PST_R_COMPLETED ? session : nullptr;
}

HubSessions::OwnEnd HubSessions::own_end(const Service& service, const Endpoint& client,
                                         const Endpoint& backend) {
  if (service.client == ClientHeader::kTransparent) return client_as_end(client, backend);
  const auto refused = [](const Error& why) {
    return OwnEnd{.local = {}, .refusal = PST_R_NO_BACKEND_PORT, .text = why.what};
  };
  const auto source = take_source(backend);
  if (!source) return refused(source.error());
  const auto local = steering_->source(*source, backend);
  if (local) return {.local = *local, .source = *source, .text = {}};
  sources_of(backend).return_unused(backend, *source, worker_.loop.now());
  return refused(local.error());
}

HubSessions::OwnEnd HubSessions::client_as_end(const Endpoint& client, const Endpoint& backend) {
  OwnEnd own{.local = client, .refusal = steering_->may_send_as(client, backend), .text = {}};
  if (own.refusal == PST_R_COMPLETED && table_.find({.local = client, .remote = backend}) != nullptr)
    own.refusal = PST_R_SOURCE_TAKEN;
  if (own.refusal != PST_R_COMPLETED) own.text = help_of(own.refusal);
  return own;
}

void HubSessions::give_back(const Service& service, const Endpoint& backend, std::uint32_t source) {
  if (service.client == ClientHeader::kTransparent) return;
  sources_of(backend).give_back(backend, source, worker_.loop.now());
}

/// Tells the steering of a new session; without PST_R_COMPLETED it is gone again.
Reason HubSessions::start(Session& session, const Service& service, const ProxyAddresses& addresses) {
  if (service.client != ClientHeader::kTransparent) {
    steering_->add(session, addresses);
    return PST_R_COMPLETED;
  }
  const Reason refusal = steering_->add_transparent(session, addresses);
  if (refusal == PST_R_COMPLETED) return refusal;
  const Extra& known = extra(session);
  --origin_of(known).tunnel->sessions;
  origins_.give_back(static_cast<std::uint16_t>(known.origin));
  table_.remove(session);
  return refusal;
}

Result<std::uint32_t> HubSessions::take_source(const Endpoint& backend) {
  BackendSources& sources = sources_of(backend);
  const Time now = worker_.loop.now();
  if (const auto source = sources.take(backend, now)) return *source;
  if (!sources.may_open()) {
    return error(Errc::kLimit, "all sources are in use or resting towards " + backend.to_string());
  }
  sources.open();
  return *sources.take(backend, now);
}

/// Of transparent services: what is against others is a limit, or told of elsewhere.
void HubSessions::tell_refused(const SessionTunnel& tunnel, const Service& service,
                               const ProxyAddresses& addresses, const Endpoint& backend, Reason reason) {
  if (service.client != ClientHeader::kTransparent) return;
  SessionReport refused;
  refused.service = service.name;
  refused.edge = tunnel.edge;
  refused.client = addresses.client;
  refused.local = addresses.local;
  refused.backend = backend;
  refused.source = addresses.client;
  record_session_refused(shared_.journal, refused, reason);
}

}  // namespace penstock
