#include "steering/transparent_socket.h"

#include <linux/capability.h>
#include <netinet/in.h>

#include <cerrno>

#include "host/capabilities.h"
#include "net/bound_udp.h"
#include "net/plain_socket.h"

namespace penstock {
namespace {

bool make_transparent(const FileDescriptor& socket, bool v4) {
  const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  const int option = v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT;
  return set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1) && set_option(socket.get(), level, option, 1);
}

}  // namespace

Result<std::unique_ptr<BoundUdp>> bind_transparent_udp_socket(const Endpoint& on) {
  auto socket = make_socket(on, SOCK_DGRAM);
  if (!socket) return socket.error();
  const RaisedCapabilities raised{CAP_NET_ADMIN, CAP_NET_BIND_SERVICE};
  if (!make_transparent(*socket, on.address.is_v4()) || !bind_socket(*socket, on))
    return system_error("cannot send UDP as " + on.to_string(), errno);
  return std::unique_ptr<BoundUdp>{std::make_unique<SystemBoundUdp>(std::move(*socket), on)};
}

}  // namespace penstock
