#include "steering/lane.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "net/bound_udp.h"
#include "net/plain_socket.h"

namespace penstock {
namespace {

/// Bytes of frames that wait to be read: those of all sessions of a lane.
constexpr int kReceiveBuffer = 16 << 20;
constexpr std::uint32_t kDeviceFrames = 256;  // what a veth device holds
constexpr std::uint32_t kRun = 64;            // one send may go beyond the limit by a run
constexpr std::uint32_t kFewestFrames = 32;
constexpr std::uint32_t kFrameMemory = 768;  // of the smallest, as the system counts

Result<std::unique_ptr<SystemBoundUdp>> bind_lane_socket(const IpAddress& address, int original_level,
                                                         int original_option) {
  const Endpoint on{address, 0};
  auto socket = make_socket(on, SOCK_DGRAM);
  if (!socket) return socket.error();
  set_option(socket->get(), IPPROTO_UDP, UDP_GRO, 1);
  set_receive_buffer(socket->get(), kReceiveBuffer);
  if (original_option != 0 && !set_option(socket->get(), original_level, original_option, 1))
    return system_error("cannot ask for original addresses", errno);
  if (!bind_socket(*socket, on)) return system_error("cannot bind UDP " + on.to_string(), errno);
  const Endpoint where = name_of(socket->get(), ::getsockname);
  return std::make_unique<SystemBoundUdp>(std::move(*socket), where);
}

/// The system doubles what it is told.
int send_buffer(std::uint32_t lanes) {
  const std::uint32_t share = kDeviceFrames / lanes;
  return static_cast<int>(std::max(share > kRun ? share - kRun : 0, kFewestFrames) * kFrameMemory / 2);
}

}  // namespace

Result<LaneSockets> open_lane_sockets(const IpAddress& steering_address, std::uint32_t lanes) {
  LaneSockets out;
  auto steering = bind_lane_socket(steering_address, 0, 0);
  if (!steering) return std::move(steering.error()).within("steering socket");
  if (!set_option((*steering)->fd(), SOL_SOCKET, SO_SNDBUF, send_buffer(lanes)))
    return system_error("cannot limit what the steering socket holds", errno);
  out.steering = std::move(*steering);
  auto v4 = bind_lane_socket(IpAddress::loopback(true), IPPROTO_IP, IP_RECVORIGDSTADDR);
  if (!v4) return v4.error();
  out.whole_v4 = std::move(*v4);
  auto v6 = bind_lane_socket(IpAddress::loopback(false), IPPROTO_IPV6, IPV6_RECVORIGDSTADDR);
  if (v6) out.whole_v6 = std::move(*v6);
  return out;
}

}  // namespace penstock
