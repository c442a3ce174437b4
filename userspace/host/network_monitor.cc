#include "host/network_monitor.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace penstock {
namespace {

constexpr int kDatagramsPerRead = 1024;
constexpr std::size_t kEventRoom = 32 * 1024;
constexpr NetworkChanges kEverything{.links = true, .addresses = true, .routes = true, .neighbours = true};

void note(std::uint16_t type, NetworkChanges& changes) {
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      changes.links = true;
      break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      changes.addresses = true;
      break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      changes.routes = true;
      break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      changes.neighbours = true;
      break;
    default:
      break;
  }
}

}  // namespace

Result<NetworkMonitor> NetworkMonitor::open() {
  FileDescriptor socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
  if (!socket) return system_error("cannot open a netlink socket", errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
                      RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_error("cannot listen to changes of the network", errno);
  }
  return NetworkMonitor{std::move(socket)};
}

Result<NetworkChanges> NetworkMonitor::read() {
  alignas(nlmsghdr) std::array<std::byte, kEventRoom> buffer;
  NetworkChanges changes;
  for (int datagrams = 0; datagrams < kDatagramsPerRead; ++datagrams) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) break;
    if (got < 0 && errno != ENOBUFS && errno != EINTR) {
      return system_error("cannot read what changed in the network", errno);
    }
    if (got < 0 && errno == ENOBUFS) changes = kEverything;
    int left = static_cast<int>(got);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      note(message->nlmsg_type, changes);
    }
  }
  return changes;
}

}  // namespace penstock
