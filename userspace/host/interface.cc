#include "host/interface.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include "base/text.h"
#include "host/netlink_attributes.h"
#include "host/netlink_socket.h"

namespace penstock {
namespace {

Interface::XdpMode xdp_mode_of(std::uint8_t attached) {
  switch (attached) {
    case XDP_ATTACHED_DRV:
      return Interface::XdpMode::kNative;
    case XDP_ATTACHED_SKB:
      return Interface::XdpMode::kGeneric;
    case XDP_ATTACHED_HW:
      return Interface::XdpMode::kOffloaded;
    case XDP_ATTACHED_MULTI:
      return Interface::XdpMode::kSeveral;
    default:
      return Interface::XdpMode::kNone;
  }
}

void read_xdp(const NetlinkAttributes& link, Interface& out) {
  const auto xdp = link.nested(IFLA_XDP);
  if (!xdp) return;
  out.xdp_mode = xdp_mode_of(xdp->number<std::uint8_t>(IFLA_XDP_ATTACHED).value_or(XDP_ATTACHED_NONE));
  out.xdp_program = xdp->number<std::uint32_t>(IFLA_XDP_PROG_ID).value_or(0);
}

void read_kind(const NetlinkAttributes& link, Interface& out) {
  const auto info = link.nested(IFLA_LINKINFO);
  if (!info) return;
  out.kind = info->text(IFLA_INFO_KIND);
  if (out.kind != "vlan") return;
  if (const auto data = info->nested(IFLA_INFO_DATA)) {
    out.vlan = data->number<std::uint16_t>(IFLA_VLAN_ID).value_or(0);
  }
}

Result<Interface> ask_for(NetlinkRequest& request, const std::string& shown) {
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  std::optional<Interface> found;
  const auto done = socket->ask(request, [&](const nlmsghdr& message) { found = read_interface(message); });
  if (found) return *found;
  if (done || done.error().code == boost::system::errc::no_such_device) {
    return error(Errc::kNotFound, "there is no network interface " + shown);
  }
  return Error{done.error()}.within("cannot look for network interface " + shown);
}

}  // namespace

Result<std::vector<Interface>> interfaces() {
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  NetlinkRequest request{RTM_GETLINK, 0, ifinfomsg{}};
  auto all = socket->list<Interface>(request, read_interface);
  if (!all) return std::move(all).error().within("cannot list the network interfaces");
  return all;
}

Result<Interface> interface_named(std::string_view name) {
  const std::string shown = "'" + printable(name, IFNAMSIZ) + "'";
  if (name.empty() || name.size() >= IFNAMSIZ || name.find('\0') != std::string_view::npos) {
    return error(Errc::kNotFound, "there is no network interface " + shown);
  }
  NetlinkRequest request{RTM_GETLINK, 0, ifinfomsg{}};
  request.put_text(IFLA_IFNAME, std::string{name});
  return ask_for(request, shown);
}

Result<Interface> interface_at(std::uint32_t index) {
  const std::string shown = "number " + std::to_string(index);
  if (index == 0 || index > INT32_MAX)
    return error(Errc::kNotFound, "there is no network interface " + shown);
  NetlinkRequest request{RTM_GETLINK, 0, ifinfomsg{.ifi_index = static_cast<int>(index)}};
  return ask_for(request, shown);
}

bool is_outer(const Interface& interface, const std::string& steering_device) {
  const std::string& name = interface.name;
  const bool steering = name.size() > steering_device.size() && name.starts_with(steering_device) &&
                        name.find_first_not_of("0123456789", steering_device.size()) == std::string::npos;
  return interface.up && interface.ethernet && !interface.loopback && interface.vlan == 0 &&
         interface.master == 0 && interface.kind != "bridge" && !steering;
}

std::optional<Interface> read_interface(const nlmsghdr& message) {
  const auto header = header_of<ifinfomsg>(message);
  if (message.nlmsg_type != RTM_NEWLINK || !header) return std::nullopt;
  const NetlinkAttributes link{message, sizeof(ifinfomsg)};
  Interface out;
  out.index = static_cast<std::uint32_t>(header->ifi_index);
  out.name = link.text(IFLA_IFNAME);
  out.mac = link.mac(IFLA_ADDRESS).value_or(Mac{});
  out.mtu = link.number<std::uint32_t>(IFLA_MTU).value_or(0);
  out.up = (header->ifi_flags & IFF_UP) != 0;
  out.ethernet = header->ifi_type == ARPHRD_ETHER;
  out.bare = header->ifi_type == ARPHRD_NONE || header->ifi_type == ARPHRD_RAWIP;
  out.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
  if (!link.has(IFLA_LINK_NETNSID)) out.parent = link.number<std::uint32_t>(IFLA_LINK).value_or(0);
  out.master = link.number<std::uint32_t>(IFLA_MASTER).value_or(0);
  read_kind(link, out);
  read_xdp(link, out);
  return out;
}

}  // namespace penstock
