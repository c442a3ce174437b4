// Sessions whose backend sees the client itself as the sender.
#include <algorithm>

#include "steering/abi_values.h"
#include "steering/kernel_steering.h"

namespace penstock {
namespace {

/// No client has it: this network, loopback, multicast, broadcast, and what only looks like IPv6.
bool is_impossible(const IpAddress& address) {
  if (address.is_any() || address.is_loopback()) return true;
  if (address.is_v4()) {
    const auto bytes = address.v4_bytes();
    return bytes[0] == 0 || bytes[0] >> 4 == 14 || address == IpAddress::v4(0xffffffff);
  }
  const auto& bytes = address.bytes();
  return bytes[0] == 0xff ||
         std::all_of(bytes.begin(), bytes.begin() + 12, [](auto byte) { return byte == 0; });
}

}  // namespace

/// Answers must pass the programs: a backend on this host would answer by another way, and so would one that
/// is not reached by an interface of theirs.
Reason KernelSteering::may_send_as(const Endpoint& client, const Endpoint& backend) {
  if (client.address.is_v4() != backend.address.is_v4()) return PST_R_FAMILY_MISMATCH;
  if (client.port == 0 || is_impossible(client.address) || client.address == backend.address ||
      parts_.network.contains(client.address) || parts_.hops.to_client(client.address).local)
    return PST_R_BAD_SOURCE;
  const KernelHops::Hop hop = parts_.hops.to_backend(backend.address);
  if (hop.local) return PST_R_NOT_TRANSPARENT;
  return hop.index == 0 ? PST_R_NO_NEXT_HOP : PST_R_COMPLETED;
}

Reason KernelSteering::add_transparent(Session& session, const ProxyAddresses& seen) {
  const Extra& known = new_extra(session);
  last_added_ = Clock::now();
  pst_session entry = entry_of(session, seen, known.way.hop);
  entry.flags = PST_SESSION_TRANSPARENT;
  return claim(session, entry);
}

/// Without room in the map no answer would find its session.
Reason KernelSteering::claim(const Session& session, const pst_session& entry) {
  const auto claimed = parts_.maps.claim(session.id.slot(), entry);
  if (!claimed) return PST_R_LIMIT_TOTAL;
  return *claimed ? PST_R_COMPLETED : PST_R_SOURCE_TAKEN;
}

/// Of a direct session, and one that the programs could not forward.
void KernelSteering::on_answer(Session& session, Bytes payload) {
  const pst_session& entry = parts_.maps.at(session.id.slot());
  if ((entry.flags & PST_SESSION_DIRECT) == 0) return observer_.on_lost(PST_R_FORGED, payload.size());
  const DirectRoute route = direct_route_of(entry);
  observer_.on_stranger({.local = route.source, .remote = route.backend}, payload);
}

}  // namespace penstock
