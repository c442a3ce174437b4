#include "net/bound_udp.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <cerrno>

#include "net/plain_socket.h"

namespace penstock {
namespace {

/// Errors of these leave a socket that works, only not as well. ICMP errors are not asked for (IP_RECVERR):
/// on a socket that is not connected they then reach nobody.
void set_options(const FileDescriptor& socket, const Endpoint& on) {
  if (on.address.is_v4()) {
    set_option(socket.get(), IPPROTO_IP, IP_PKTINFO, 1);
  } else {
    set_option(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
  set_option(socket.get(), IPPROTO_UDP, UDP_GRO, 1);
  // Sockets on a port that the system chose may be very many, one for each session: theirs stay small.
  if (on.port == 0) return;
  set_receive_buffer(socket.get(), kPortReceiveBuffer);
}

Error cannot_bind(const Endpoint& on, int error_number) {
  return system_error("cannot bind UDP " + on.to_string(), error_number);
}

}  // namespace

/// The first socket is bound without SO_REUSEPORT, and so fails when any other has the port, whatever that
/// one allows; only then it is shared. Options come before: a socket that is bound gets datagrams at once.
Result<std::vector<std::unique_ptr<BoundUdp>>> bind_udp_sockets(const Endpoint& on, unsigned count) {
  std::vector<std::unique_ptr<BoundUdp>> bound;
  Endpoint where = on;
  while (bound.size() < count) {
    auto socket = make_socket(on, SOCK_DGRAM);
    if (!socket) return socket.error();
    set_options(*socket, on);
    const bool first = bound.empty();
    if (!first && !set_option(socket->get(), SOL_SOCKET, SO_REUSEPORT, 1)) return cannot_bind(on, errno);
    if (!bind_socket(*socket, where)) return cannot_bind(on, errno);
    if (first && count > 1 && !set_option(socket->get(), SOL_SOCKET, SO_REUSEPORT, 1))
      return cannot_bind(on, errno);
    if (first) where = name_of(socket->get(), ::getsockname);
    bound.push_back(std::make_unique<SystemBoundUdp>(std::move(*socket), where));
  }
  return bound;
}

Result<std::unique_ptr<BoundUdp>> bind_shared_udp_socket(const Endpoint& on) {
  auto socket = make_socket(on, SOCK_DGRAM);
  if (!socket) return socket.error();
  if (!set_option(socket->get(), SOL_SOCKET, SO_REUSEPORT, 1) || !bind_socket(*socket, on))
    return cannot_bind(on, errno);
  const Endpoint where = name_of(socket->get(), ::getsockname);
  return std::unique_ptr<BoundUdp>{std::make_unique<SystemBoundUdp>(std::move(*socket), where)};
}

}  // namespace penstock
