#include "linkem/port.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>

namespace penstock::linkem {
namespace {

constexpr int kSystemsRoom = 8 << 20;  // bytes that wait for us

Result<void> set(const FileDescriptor& socket, int level, int option, const void* value, socklen_t bytes,
                 const std::string& interface) {
  if (::setsockopt(socket.get(), level, option, value, bytes) != 0) return system_error(interface, errno);
  return {};
}

/// Takes nothing of other interfaces, since it hears nothing before it is bound.
Result<void> bind_to(const FileDescriptor& socket, const std::string& interface) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (address.sll_ifindex == 0) return system_error(interface, errno);
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = address.sll_ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (auto done = set(socket, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous, interface);
      !done)
    return done;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_error(interface, errno);
  return {};
}

}  // namespace

/// What recvmmsg and sendmmsg fill and read.
struct Port::Batch {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  std::array<Bytes, kBatch> frames{};
  std::array<std::array<std::byte, kLongestFrame>, kBatch> room{};

  void prepare(std::size_t index, void* bytes, std::size_t size) {
    parts[index] = {.iov_base = bytes, .iov_len = size};
    messages[index] = {};
    messages[index].msg_hdr.msg_iov = &parts[index];
    messages[index].msg_hdr.msg_iovlen = 1;
  }
};

Port::Port(FileDescriptor socket, std::string interface)
    : socket_{std::move(socket)}, interface_{std::move(interface)}, batch_{std::make_unique<Batch>()} {}

Port::Port(Port&& other) noexcept = default;
Port::~Port() = default;

Result<Port> Port::open(const std::string& interface) {
  FileDescriptor socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return system_error("cannot open a packet socket", errno);
  const int on = 1;
  if (auto done = set(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on, interface); !done)
    return done.error();
  if (auto done = set(socket, SOL_SOCKET, SO_RCVBUFFORCE, &kSystemsRoom, sizeof kSystemsRoom, interface);
      !done)
    return done.error();
  if (auto done = bind_to(socket, interface); !done) return done.error();
  return Port{std::move(socket), interface};
}

Result<std::span<const Bytes>> Port::receive() {
  for (std::size_t i = 0; i < kBatch; ++i) batch_->prepare(i, batch_->room[i].data(), kLongestFrame);
  const int came = ::recvmmsg(socket_.get(), batch_->messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (came < 0 && errno != EAGAIN && errno != EINTR) return system_error(interface_, errno);
  std::size_t frames = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(came, 0)); ++i) {
    const mmsghdr& message = batch_->messages[i];
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
      ++counts_.too_long;
    } else if (message.msg_len > 0) {
      batch_->frames[frames++] = Bytes{batch_->room[i].data(), message.msg_len};
    }
  }
  return std::span<const Bytes>{batch_->frames.data(), frames};
}

Result<std::size_t> Port::send(std::span<const Bytes> frames) {
  const std::size_t count = std::min(frames.size(), kBatch);
  for (std::size_t i = 0; i < count; ++i)
    batch_->prepare(i, const_cast<std::byte*>(frames[i].data()), frames[i].size());
  std::size_t done = 0;
  while (done < count) {
    const int sent =
        ::sendmmsg(socket_.get(), &batch_->messages[done], static_cast<unsigned>(count - done), MSG_DONTWAIT);
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
    } else if (errno == ENOBUFS || errno == EMSGSIZE) {
      ++counts_.refused;
      ++done;
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      return system_error(interface_, errno);
    }
  }
  return done;
}

std::uint64_t Port::overrun() {
  tpacket_stats stats{};
  socklen_t bytes = sizeof stats;
  const int failed = ::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &bytes);
  return failed == 0 ? stats.tp_drops : 0;
}

}  // namespace penstock::linkem
