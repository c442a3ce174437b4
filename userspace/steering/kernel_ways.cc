// By which next hop a session's datagrams leave, and which next hops are still wanted.
#include <algorithm>
#include <vector>

#include "steering/kernel_steering.h"

namespace penstock {
namespace {

/// Longest IP packet on ways that frames take by the lane's link, where they have one page with all that the
/// system puts around them. On longer ways they pass the stack, all of them: the two do not wait for each
/// other.
constexpr std::uint32_t kLongestOnLink = 3072;

}  // namespace

KernelSteering::WayOut KernelSteering::way_to(const IpAddress& address, bool backend) {
  const KernelHops::Hop hop = backend ? parts_.hops.to_backend(address) : parts_.hops.to_client(address);
  // To a client on this host no frame finds its way, since it has no route of its own back through the
  // device.
  const bool by_programs = !hop.local || backend;
  const bool by_link = link_ != nullptr && !hop.local && hop.mtu <= kLongestOnLink;
  return {.hop = by_programs ? hop.index : std::uint16_t{0},
          .mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(hop.mtu, UINT16_MAX)),
          .by_link = by_link};
}

void KernelSteering::renew_ways(Session& session, Extra& known) {
  if (known.epoch == parts_.hops.epoch()) return;
  flush();  // the batch goes by the ways as they were
  known.epoch = parts_.hops.epoch();
  const bool backend = parts_.side == Side::kBackend;
  known.way = way_to(session.path.remote.address, backend);
  parts_.maps.set_hop(session.id.slot(), known.way.hop, backend);
  if (!is_direct(session)) return;
  const WayOut to_backend = way_to(route_of(session).backend.address, true);
  parts_.maps.set_hop(session.id.slot(), to_backend.hop, true);
}

/// By the map, not by what we know: the programs go by it.
std::vector<bool> KernelSteering::hops_in_use() {
  std::vector<bool> used(std::size_t{UINT16_MAX} + 1);
  table_.for_each([&](const Session& session) {
    const pst_session& entry = parts_.maps.at(session.id.slot());
    used[entry.client_hop] = true;
    used[entry.backend_hop] = true;
  });
  return used;
}

void KernelSteering::keep_alive() {
  if (parts_.hops.crowded()) parts_.hops.keep_only(hops_in_use());
  parts_.hops.keep_alive();
}

}  // namespace penstock
