#include "host/traffic_filters.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "host/netlink_attributes.h"
#include "host/netlink_socket.h"

namespace penstock {
namespace {

/// A filter's handle. Of each priority the kernel names the classifier too, without one.
std::optional<std::uint32_t> read_filter(const nlmsghdr& message) {
  const auto header = header_of<tcmsg>(message);
  if (message.nlmsg_type != RTM_NEWTFILTER || !header || header->tcm_handle == 0) return std::nullopt;
  return header->tcm_handle;
}

}  // namespace

Result<bool> has_traffic_filters(std::uint32_t interface) {
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  for (const std::uint32_t side : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
    tcmsg header{};
    header.tcm_ifindex = static_cast<int>(interface);
    header.tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
    NetlinkRequest request{RTM_GETTFILTER, 0, header};
    const auto filters = socket->list<std::uint32_t>(request, read_filter);
    if (!filters) return Error{filters.error()}.within("cannot list the TC filters");
    if (!filters->empty()) return true;
  }
  return false;
}

}  // namespace penstock
