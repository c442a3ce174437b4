// The lanes' links: rings and tap devices of this process, which end with it.
#include <arpa/inet.h>

#include "host/tap_device.h"
#include "steering/abi_values.h"
#include "steering/kernel_plane.h"
#include "steering/lane_link.h"

namespace penstock {
namespace {

/// Bytes of datagrams that wait to be read: few, so that a processor's cache holds them.
constexpr std::uint32_t kRing = 2 << 20;
constexpr std::size_t kFirstNumber = 2;  // in names: 0 and 1 are the steering device

/// Those of the process before have no reader.
Result<void> forget_rings(const RawBpfMap& rings, std::uint32_t from) {
  for (std::uint32_t lane = from; lane < PST_LANES; ++lane) {
    const auto erased = rings.erase(&lane);
    if (!erased) return erased.error();
  }
  return {};
}

}  // namespace

/// Where they cannot be had, the steering sockets take all. What redirects from a tap device does so
/// natively.
Result<void> KernelPlane::open_lane_links(int program, XdpMode mode) {
  const auto rings = RawBpfMap::open(pin("pst_lane_rings"), sizeof(std::uint32_t), sizeof(std::uint32_t));
  if (!rings) return rings.error();
  if (mode == XdpMode::kGeneric) why_no_links_ = "an interface has its program in generic mode";
  while (why_no_links_.empty() && lane_links_.size() < lanes_wanted()) {
    const auto done = open_lane_link(program, *rings);
    if (!done) why_no_links_ = done.error().what;
  }
  return forget_rings(*rings, static_cast<std::uint32_t>(lane_links_.size()));
}

/// The ring takes the place of that of the process before, so that nothing goes by the socket in between,
/// which might be read later.
Result<void> KernelPlane::open_lane_link(int program, const RawBpfMap& rings) {
  const auto lane = static_cast<std::uint32_t>(lane_links_.size());
  const std::string name = options_.device + std::to_string(kFirstNumber + lane);
  auto tap = make_tap_device(name);
  if (!tap) return tap.error();
  auto done = attach_own("link_lane_" + std::to_string(lane), program, name, tap->index, XdpMode::kNative);
  if (!done) return done;
  auto ring = BpfRing::make(kRing);
  if (!ring) return ring.error();
  const int filled = ring->fd();
  done = rings.update(&lane, &filled);
  if (!done) return done;
  auto traffic = std::make_shared<LaneTraffic>();
  sockets_[lane].link = std::make_unique<BoundLaneLink>(
      LaneLinkParts{.ring = std::move(*ring),
                    .tap = TapWriter{std::move(tap->file)},
                    .virtual_end = {v4_from_abi(settings_.virtual_address), ntohs(settings_.virtual_port)},
                    .traffic = traffic},
      sockets_[lane].steering->local);
  lane_links_.push_back({.device = name, .traffic = std::move(traffic)});
  return {};
}

}  // namespace penstock
