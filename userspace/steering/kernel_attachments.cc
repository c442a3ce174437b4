// Where the programs of the kernel's plane are attached: to outer interfaces, the steering device and the
// node's namespace.
#include <algorithm>

#include "steering/kernel_plane.h"

namespace penstock {

/// Only where an interface needs them: to verify them costs as much as all others together.
Result<void> KernelPlane::load_filters() {
  if (filters_.ethernet != 0) return {};
  const bool edge = options_.edge_lanes > 0;
  auto loaded = load_images({edge ? edge_tc_image() : hub_tc_image(), leave_tc_image()});
  if (!loaded) return loaded;
  const BpfObject& from = objects_[objects_.size() - 2];
  const auto ethernet = from.program(edge ? "edge_tc" : "hub_tc");
  const auto bare = from.program(edge ? "edge_tc_bare" : "hub_tc_bare");
  const auto leave = objects_.back().program("leave_tc");
  if (!ethernet || !bare || !leave) return error(Errc::kNotFound, "a program is missing from its object");
  filters_ = {.ethernet = *ethernet, .bare = *bare, .leave = edge ? *leave : 0};
  return {};
}

/// By XDP, or where that has no place on TC; an interface that would drop what programs hand on gets neither.
Result<SteeredInterface> KernelPlane::attach_one(const Interface& interface, int program) {
  auto done = attach_outer(interface, program, pin("link_" + interface.name));
  if (done || done.error().code == Errc::kRefused) return done;
  auto loaded = load_filters();
  if (!loaded) return std::move(loaded.error()).within(done.error().what);
  auto filtered = filter_outer(interface, filters_, folder_);
  if (!filtered) return std::move(filtered.error()).within(done.error().what);
  return filtered;
}

/// On those interfaces that take a program, in the best way that each has.
Result<void> KernelPlane::attach_outers() {
  const auto outer = objects_[0].program(options_.edge_lanes > 0 ? "edge_xdp" : "steer_in_xdp");
  if (!outer) return outer.error();
  for (const Interface& interface : outer_.to_attach) {
    const auto done = attach_one(interface, *outer);
    if (done) {
      attached_.push_back(*done);
      continue;
    }
    const std::string why = interface.name + ": " + done.error().what;
    if (!options_.interfaces.empty()) return error(Errc::kUnavailable, why);
    complaints_.push_back(why);
  }
  if (attached_.empty())
    return error(Errc::kUnavailable, "no interface takes a program" +
                                         (complaints_.empty() ? std::string{} : ": " + complaints_.front()));
  const auto connected = connect_outer(outer_, attached_, filters_, folder_);
  if (!connected) complaints_.push_back("direct sessions go by sockets in part: " + connected.error().what);
  return {};
}

/// On a device that nodes make: a program that has no pin here is of another one, which need not run any
/// more.
Result<void> KernelPlane::attach_own(const std::string& link, int program, const std::string& device,
                                     std::uint32_t index, XdpMode mode) {
  auto done = attach_xdp(pin(link), program, index, mode);
  if (done) return done;
  Error why = std::move(done.error()).within(device);
  if (why.code == Errc::kExists)
    why.what += "; if another node left it: penstockctl detach --config FILE, the file of that node";
  return why;
}

/// The far end goes first: nothing is steered before its answers can leave.
Result<void> KernelPlane::attach() {
  auto outer = attach_outers();
  if (!outer) return outer;
  const bool generic = std::any_of(attached_.begin(), attached_.end(),
                                   [](const auto& each) { return each.mode == XdpMode::kGeneric; });
  const XdpMode mode = generic ? XdpMode::kGeneric : XdpMode::kNative;
  const auto out = objects_[1].program("steer_out_xdp");
  const auto lane_out = objects_[1].program("lane_out_xdp");
  const auto back = objects_[2].program("steer_back_xdp");
  const auto lookup = objects_[3].program("pst_sk_lookup");
  if (!out || !lane_out || !back || !lookup)
    return error(Errc::kNotFound, "a program is missing from its object");
  auto done = attach_own("link_steer_out", *out, options_.device + "1", device_.far_index, mode);
  if (done) done = attach_own("link_steer_back", *back, options_.device + "0", device_.near_index, mode);
  if (done) done = attach_sk_lookup(pin("link_sk_lookup"), *lookup);
  if (done) done = open_lane_links(*lane_out, mode);
  return done;
}

}  // namespace penstock
