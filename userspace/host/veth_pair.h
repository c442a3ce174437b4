// A pair of virtual Ethernet devices, each the other's wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "host/interface.h"
#include "host/netlink_socket.h"

namespace penstock {

struct VethPair {
  Interface near;
  Interface far;
};

/// The pair of these names; nothing when neither name is taken. Errc::kExists when they are taken by anything
/// but a pair of this namespace.
Result<std::optional<VethPair>> find_veth_pair(const std::string& near, const std::string& far);

/// All of these need CAP_NET_ADMIN to be permitted.
Result<void> make_veth_pair(NetlinkSocket& socket, const std::string& near, const std::string& far);
Result<void> remove_veth_pair(NetlinkSocket& socket, const VethPair& pair);

/// Sets MTU and MAC address, turns ARP off, and the device on.
Result<void> bring_up_without_arp(NetlinkSocket& socket, const Interface& interface, std::uint32_t mtu,
                                  const Mac& mac);

/// Has the stack compute checksums before a packet leaves by the interface: what its other end redirects to a
/// wire would lack them.
Result<void> turn_off_checksum_offload(const std::string& interface);

}  // namespace penstock
