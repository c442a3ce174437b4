// The interfaces on which programs meet the packets of other hosts: which they are, and how each is attached.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "bpf/bpf_link.h"
#include "host/interface.h"
#include "steering/kernel_hops.h"

namespace penstock {

/// An interface that a program of ours is on.
struct SteeredInterface {
  std::string name;
  XdpMode mode = XdpMode::kNative;
  bool in_dispatcher = false;  // of libxdp, beside the programs of others
};
/// "native", "generic", "dispatcher", "generic dispatcher".
std::string mode_name(const SteeredInterface& interface);

struct OuterInterfaces {
  std::vector<Interface> to_attach;
  std::vector<OuterInterface> to_leave_by;  // those, and the VLANs on them
};

/// The interfaces of that name, or without a name every Ethernet interface that is up and that packets come
/// in by: neither the steering device nor a bridge, which would make all programs generic, nor what is in a
/// bridge or a bond, which comes in by that. Errc::kNotFound: the host has none of that name.
Result<OuterInterfaces> choose_outer_interfaces(const std::vector<std::string>& names,
                                                const std::string& steering_device);

/// Attaches the program with a link pinned at `pin`: native where the driver can, else generic. Where the
/// interface has libxdp's dispatcher, the program joins it instead, with its pins in the same folder.
Result<SteeredInterface> attach_outer(const Interface& interface, int program, const std::string& pin);

}  // namespace penstock
