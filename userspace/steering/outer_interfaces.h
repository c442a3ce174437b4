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
  XdpMode mode = XdpMode::kNative;  // with by_tc: how XDP programs may redirect to it
  bool in_dispatcher = false;       // of libxdp, beside the programs of others
  bool by_tc = false;               // a filter on TC, as it takes no XDP program of ours
};
/// "native", "generic", "dispatcher", "generic dispatcher", "tc".
std::string mode_name(const SteeredInterface& interface);

struct OuterInterfaces {
  std::vector<Interface> to_attach;
  std::vector<OuterInterface> to_leave_by;  // those, and the VLANs on them
};

/// The interfaces of that name, which may be without Ethernet (WireGuard), or without a name every Ethernet
/// interface that is up and that packets come in by: neither the steering device nor a bridge, which would
/// make all programs generic, nor what is in a bridge or a bond, which comes in by that. Errc::kNotFound: the
/// host has none of that name.
Result<OuterInterfaces> choose_outer_interfaces(const std::vector<std::string>& names,
                                                const std::string& steering_device);

/// Attaches the program with a link pinned at `pin`: native where the driver can, else generic. Where the
/// interface has libxdp's dispatcher, the program joins it instead, with its pins in the same folder.
Result<SteeredInterface> attach_outer(const Interface& interface, int program, const std::string& pin);

/// What goes to TC: on interfaces that take no XDP program, by what their packets begin with, and behind XDP
/// programs whose packets leave by such interfaces. Descriptors; `leave` is 0 where no program forwards.
struct OuterFilters {
  int ethernet = 0;
  int bare = 0;
  int leave = 0;
};

/// Puts a filter on an interface that attach_outer() was refused for: another's XDP program is there, or the
/// device takes none. `folder` has the node's pins.
Result<SteeredInterface> filter_outer(const Interface& interface, const OuterFilters& filters,
                                      const std::string& folder);

/// Once all are attached: says of each way out how packets leave by it, and puts `leave` behind the XDP
/// programs if a way needs it; where that fails no program sends by such ways. Takes older filters away.
Result<void> connect_outer(OuterInterfaces& outer, const std::vector<SteeredInterface>& attached,
                           const OuterFilters& filters, const std::string& folder);

}  // namespace penstock
