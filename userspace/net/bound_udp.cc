#include "net/bound_udp.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <array>
#include <cerrno>

#include "net/plain_socket.h"

namespace penstock {
namespace {

/// Bytes of datagrams that wait to be read; the system counts twice as many, with what it adds to each.
constexpr int kReceiveBuffer = 4 << 20;

bool set(const FileDescriptor& socket, int level, int name, int value) {
  return ::setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

void enlarge_receive_buffer(const FileDescriptor& socket) {
  if (!set(socket, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer))
    set(socket, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
}

/// Errors of these leave a socket that works, only not as well. ICMP errors are not asked for (IP_RECVERR):
/// on a socket that is not connected they then reach nobody.
void set_options(const FileDescriptor& socket, const Endpoint& on) {
  if (on.address.is_v4()) {
    set(socket, IPPROTO_IP, IP_PKTINFO, 1);
  } else {
    set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
  set(socket, IPPROTO_UDP, UDP_GRO, 1);
  // Sockets on a port that the system chose may be very many, one for each session: theirs stay small.
  if (on.port != 0) enlarge_receive_buffer(socket);
}

/// Path MTU is QUIC's own business: packets are never fragmented, and what ICMP says about it is not
/// believed.
void set_quic_options(const FileDescriptor& socket, const Endpoint& on) {
  if (on.address.is_v4()) {
    set(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  } else {
    set(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
  enlarge_receive_buffer(socket);
}

/// The first byte of the connection id, which stands behind the flags in a short header (RFC 8999, 5.2), and
/// behind version and length in a long one (5.1).
bool choose_by_connection_id(const FileDescriptor& socket, unsigned count) {
  std::array<sock_filter, 7> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 0, 2),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
      BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
      BPF_STMT(BPF_RET | BPF_A, 0),
  }};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
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
    if (!first && !set(*socket, SOL_SOCKET, SO_REUSEPORT, 1)) return cannot_bind(on, errno);
    if (!bind_socket(*socket, where)) return cannot_bind(on, errno);
    if (first && count > 1 && !set(*socket, SOL_SOCKET, SO_REUSEPORT, 1)) return cannot_bind(on, errno);
    if (first) where = name_of(socket->get(), ::getsockname);
    bound.push_back(std::make_unique<SystemBoundUdp>(std::move(*socket), where));
  }
  return bound;
}

Result<std::vector<std::unique_ptr<BoundUdp>>> bind_quic_sockets(const Endpoint& on, unsigned count) {
  auto bound = bind_udp_sockets(on, count);
  if (!bound) return bound;
  for (const auto& one : *bound) set_quic_options(static_cast<const SystemBoundUdp&>(*one).descriptor(), on);
  const auto& first = static_cast<const SystemBoundUdp&>(*bound->front()).descriptor();
  if (count > 1 && !choose_by_connection_id(first, count)) return cannot_bind(on, errno);
  return bound;
}

Result<std::unique_ptr<BoundUdp>> bind_shared_udp_socket(const Endpoint& on) {
  auto socket = make_socket(on, SOCK_DGRAM);
  if (!socket) return socket.error();
  if (!set(*socket, SOL_SOCKET, SO_REUSEPORT, 1) || !bind_socket(*socket, on)) return cannot_bind(on, errno);
  const Endpoint where = name_of(socket->get(), ::getsockname);
  return std::unique_ptr<BoundUdp>{std::make_unique<SystemBoundUdp>(std::move(*socket), where)};
}

}  // namespace penstock
