#include "net/bound_quic.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "net/bound_udp.h"
#include "net/plain_socket.h"

namespace penstock {
namespace {

/// Errors of these leave a socket that works, only not as well. A connection finds out by itself how long the
/// packets of its path may be: the system neither cuts them nor remembers what it heard of the path.
void set_options(int fd, const Endpoint& on) {
  if (on.address.is_v4()) {
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
  } else {
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  }
  set_receive_buffer(fd, kPortReceiveBuffer);
}

sock_filter load_byte(std::uint32_t at) {
  return sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at);
}

/// Of the whole group, which are counted in the order of their binding. The id that a packet goes to is
/// behind the first byte, and in a long header behind version and length too. Without this the system's
/// choice by addresses stands, which is right until a client moves.
void steer_by_id(int first, unsigned count) {
  std::array<sock_filter, 7> program{
      load_byte(0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 2, 0),
      load_byte(1),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
      load_byte(6),
      sock_filter BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
      sock_filter BPF_STMT(BPF_RET | BPF_A, 0),
  };
  const sock_fprog steering{.len = program.size(), .filter = program.data()};
  ::setsockopt(first, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &steering, sizeof steering);
}

}  // namespace

Result<std::vector<std::unique_ptr<BoundUdp>>> bind_quic_sockets(const Endpoint& on, unsigned count) {
  auto bound = bind_udp_sockets(on, count);
  if (!bound) return bound;
  for (const auto& each : *bound) set_options(static_cast<SystemBoundUdp&>(*each).fd(), on);
  if (count > 1) steer_by_id(static_cast<SystemBoundUdp&>(*bound->front()).fd(), count);
  return bound;
}

}  // namespace penstock
