#include "host/veth_pair.h"

#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/file_descriptor.h"
#include "host/capabilities.h"

namespace penstock {
namespace {

const Interface* find(const std::vector<Interface>& all, const std::string& name) {
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const Interface& one) { return one.name == name; });
  return at == all.end() ? nullptr : &*at;
}

bool are_pair(const Interface& a, const Interface& b) {
  return a.kind == "veth" && b.kind == "veth" && a.parent == b.index && b.parent == a.index;
}

}  // namespace

Result<std::optional<VethPair>> find_veth_pair(const std::string& near, const std::string& far) {
  auto all = interfaces();
  if (!all) return all.error();
  const Interface* const a = find(*all, near);
  const Interface* const b = find(*all, far);
  if (a == nullptr && b == nullptr) return std::optional<VethPair>{};
  if (a != nullptr && b != nullptr && are_pair(*a, *b)) return std::optional<VethPair>{{*a, *b}};
  const std::string& taken = a != nullptr ? near : far;
  return error(Errc::kExists,
               "interface " + taken + " is there, and " + near + " and " + far + " are no veth pair");
}

Result<void> make_veth_pair(NetlinkSocket& socket, const std::string& near, const std::string& far) {
  NetlinkRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{}};
  request.put_text(IFLA_IFNAME, near);
  request.put_nested(IFLA_LINKINFO, [&] {
    request.put_text(IFLA_INFO_KIND, "veth");
    request.put_nested(IFLA_INFO_DATA, [&] {
      request.put_nested(VETH_INFO_PEER, [&] {
        const ifinfomsg peer{};
        request.append(&peer, sizeof peer);
        request.put_text(IFLA_IFNAME, far);
      });
    });
  });
  if (auto done = socket.ask(request); !done) {
    return std::move(done).error().within("cannot make veth pair " + near + ", " + far);
  }
  return {};
}

Result<void> remove_veth_pair(NetlinkSocket& socket, const VethPair& pair) {
  NetlinkRequest request{RTM_DELLINK, 0, ifinfomsg{.ifi_index = static_cast<int>(pair.near.index)}};
  if (auto done = socket.ask(request); !done) {
    return std::move(done).error().within("cannot remove veth pair " + pair.near.name + ", " + pair.far.name);
  }
  return {};
}

/// An MTU that stands already is not set again: with an XDP program attached even that may be refused.
Result<void> bring_up_without_arp(NetlinkSocket& socket, const Interface& interface, std::uint32_t mtu,
                                  const Mac& mac) {
  NetlinkRequest request{RTM_NEWLINK, 0,
                         ifinfomsg{.ifi_index = static_cast<int>(interface.index),
                                   .ifi_flags = IFF_UP | IFF_NOARP,
                                   .ifi_change = IFF_UP | IFF_NOARP}};
  if (interface.mtu != mtu) request.put_u32(IFLA_MTU, mtu);
  request.put_mac(IFLA_ADDRESS, mac);
  if (auto done = socket.ask(request); !done) {
    return std::move(done).error().within("cannot set up interface " + interface.name);
  }
  return {};
}

Result<void> turn_off_checksum_offload(const std::string& interface) {
  const RaisedCapabilities raised{CAP_NET_ADMIN};
  const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket) return system_error("cannot make a socket", errno);
  ethtool_value value{.cmd = ETHTOOL_STXCSUM, .data = 0};
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) {
    return system_error("cannot turn off checksum offload of interface " + interface, errno);
  }
  return {};
}

}  // namespace penstock
