#include "host/addresses.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <optional>

#include "host/netlink_attributes.h"
#include "host/netlink_socket.h"

namespace penstock {
namespace {

/// On a link between two hosts IFA_ADDRESS is the peer's; IFA_LOCAL, where present, is always ours.
std::optional<HostAddress> read_address(const nlmsghdr& message) {
  const auto header = header_of<ifaddrmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDR || !header) return std::nullopt;
  const NetlinkAttributes attributes{message, sizeof(ifaddrmsg)};
  auto address = attributes.address(IFA_LOCAL);
  if (!address) address = attributes.address(IFA_ADDRESS);
  if (!address) return std::nullopt;
  return HostAddress{*address, header->ifa_prefixlen, header->ifa_index};
}

}  // namespace

Result<std::vector<HostAddress>> host_addresses() {
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  NetlinkRequest request{RTM_GETADDR, 0, ifaddrmsg{}};
  auto all = socket->list<HostAddress>(request, read_address);
  if (!all) return std::move(all).error().within("cannot list the addresses of this host");
  return all;
}

}  // namespace penstock
