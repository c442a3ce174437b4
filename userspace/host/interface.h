// The network interfaces of this host, as rtnetlink tells of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "host/mac.h"

struct nlmsghdr;

namespace penstock {

/// One interface of the network namespace, as it was when asked.
struct Interface {
  enum class XdpMode { kNone, kNative, kGeneric, kOffloaded, kSeveral };

  std::uint32_t index = 0;
  std::string name;
  Mac mac;  // zero where the device has none of six bytes
  std::uint32_t mtu = 0;
  bool up = false;  // as an operator set it; the carrier may be missing
  bool ethernet = false;
  bool bare = false;  // its packets begin with the IP header: WireGuard, tun
  bool loopback = false;
  std::uint32_t parent = 0;       // of a VLAN, or the other end of a veth; 0: none, or in another namespace
  std::uint16_t vlan = 0;         // 802.1Q id; 0: not a VLAN device
  std::string kind;               // "veth", "vlan", "bridge"; empty: hardware, or loopback
  std::uint32_t master = 0;       // index of its bridge or bond; 0: none
  std::uint32_t xdp_program = 0;  // id of the program attached; 0: none, or several
  XdpMode xdp_mode = XdpMode::kNone;

  bool operator==(const Interface&) const = default;
};

/// All interfaces of the calling thread's network namespace. Needs no privilege.
Result<std::vector<Interface>> interfaces();

/// The interface of that name or index; Errc::kNotFound when there is none.
Result<Interface> interface_named(std::string_view name);
Result<Interface> interface_at(std::uint32_t index);

/// Whether kernel programs go there where nobody names interfaces: Ethernet that is up, but no VLAN, whose
/// parent has them, no bridge and no member of one, and nothing of the steering device of that name (0 and 1
/// behind it) or of the lanes (2 and more).
bool is_outer(const Interface& interface, const std::string& steering_device);

/// What an RTM_NEWLINK message says; nothing when it is another message or too short.
std::optional<Interface> read_interface(const nlmsghdr& message);

}  // namespace penstock
