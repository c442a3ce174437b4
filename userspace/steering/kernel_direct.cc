// Sessions of an edge that the kernel programs forward alone.
#include <algorithm>

#include "steering/abi_values.h"
#include "steering/kernel_steering.h"

namespace penstock {
namespace {

/// A moment as programs write it, in milliseconds modulo 2^32; the epoch for 0, which is "never". They use a
/// coarser clock than we, which may be ahead of theirs only.
Time time_of(std::uint32_t seen, Time now) {
  if (seen == 0) return {};
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  const auto age = static_cast<std::uint32_t>(now_ms.count()) - seen;
  return now - std::chrono::milliseconds{age > INT32_MAX ? 0 : age};
}

}  // namespace

DirectSteering* KernelSteering::direct() {
  return parts_.side == Side::kClient ? static_cast<DirectSteering*>(this) : nullptr;
}

/// Without room for a path, the datagrams of that direction come to the sockets, as the first did; but
/// answers to a client's own address come to none, so that without one there is no session.
Reason KernelSteering::add_direct(Session& session, const ProxyAddresses& seen, const DirectRoute& route) {
  const Extra& known = new_extra(session);
  last_added_ = Clock::now();
  pst_session entry = entry_of(session, seen, known.way.hop);
  entry.flags = PST_SESSION_DIRECT | (route.proxy_in_each ? __u32{PST_SESSION_PROXY} : 0U) |
                (route.transparent ? __u32{PST_SESSION_TRANSPARENT} : 0U);
  entry.backend_hop = way_to(route.backend.address, true).hop;
  entry.source = to_abi(route.source.address);
  entry.source_port = htons(route.source.port);
  entry.backend = to_abi(route.backend.address);
  entry.backend_port = htons(route.backend.port);
  const std::uint32_t slot = session.id.slot();
  if (parts_.maps.at(slot).id == entry.id) {
    parts_.maps.renew(slot, entry);
    return PST_R_COMPLETED;
  }
  if (route.transparent) return claim(session, entry);
  static_cast<void>(parts_.maps.prepare(slot, entry));
  return PST_R_COMPLETED;
}

void KernelSteering::forward_client(Session& session) {
  static_cast<void>(
      parts_.maps.add_path(session.id.slot(), path_of(session.path.remote, session.path.local), false));
}

DirectRoute KernelSteering::route_of(const Session& session) const {
  return direct_route_of(parts_.maps.at(session.id.slot()));
}

boost::system::error_code KernelSteering::send_to_backend(Session& session, Bytes header, Bytes payload) {
  flush();  // what follows has the batch to itself
  renew_ways(session, extra(session));
  const DirectRoute route = route_of(session);
  // The programs go by the hop in the map, whatever was found since.
  const WayOut way{.hop = parts_.maps.at(session.id.slot()).backend_hop,
                   .mtu = way_to(route.backend.address, true).mtu};
  if (!fits(way, route.backend.address, header.size(), payload.size()))
    return send_spare(route.source, route.backend, header, payload, route.transparent);
  batch_by(*frames_);
  put(session, true, header, payload, false);
  return send_only();
}

ForwardedTraffic KernelSteering::forwarded(Session& session) {
  renew_ways(session, extra(session));
  const pst_session now = parts_.maps.traffic(session.id.slot());
  const Time time = Clock::now();
  return {.to_backend_datagrams = now.to_backend_datagrams,
          .to_backend_bytes = now.to_backend_bytes,
          .to_client_datagrams = now.to_client_datagrams,
          .to_client_bytes = now.to_client_bytes,
          .client_sent = time_of(now.client_seen, time),
          .backend_sent = time_of(now.backend_seen, time)};
}

}  // namespace penstock
