#include "flowload/datagrams.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace penstock::flowload {
namespace {

bool set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// Leaves the interface of the answer to the routes: only the address is to be kept.
void forget_interface(OwnAddress& own) {
  auto* control = reinterpret_cast<cmsghdr*>(own.control.data());
  if (control->cmsg_level == IPPROTO_IP) {
    reinterpret_cast<in_pktinfo*>(CMSG_DATA(control))->ipi_ifindex = 0;
  } else {
    reinterpret_cast<in6_pktinfo*>(CMSG_DATA(control))->ipi6_ifindex = 0;
  }
}

}  // namespace

Result<FileDescriptor> bind_datagrams(const Endpoint& at, int receive_buffer) {
  const bool v4 = at.address.is_v4();
  FileDescriptor fd{socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return system_error("socket", errno);
  if (at.address.is_any()) {
    set(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
  }
  if (receive_buffer > 0 && !set(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer)) {
    set(fd.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer);
  }
  sockaddr_storage address{};
  const socklen_t length = at.to_sockaddr(address);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) return fd;
  return system_error("bind to UDP " + at.to_string(), errno);
}

ReceivedBatch::ReceivedBatch(std::size_t longest)
    : longest_{longest}, bytes_{new std::byte[longest * kBatch]} {
  for (std::size_t i = 0; i < kBatch; ++i) {
    pieces_[i] = {.iov_base = bytes_.get() + i * longest_, .iov_len = longest_};
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_name = &peers_[i].address;
    messages_[i].msg_hdr.msg_control = own_[i].control.data();
  }
}

std::size_t ReceivedBatch::receive(int fd) {
  for (mmsghdr& message : messages_) {
    message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    message.msg_hdr.msg_controllen = sizeof(OwnAddress::control);
  }
  const int count = std::max(recvmmsg(fd, messages_.data(), kBatch, 0, nullptr), 0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    peers_[i].length = messages_[i].msg_hdr.msg_namelen;
    own_[i].length = messages_[i].msg_hdr.msg_controllen;
    if (own_[i].length > 0) forget_interface(own_[i]);
  }
  return static_cast<std::size_t>(count);
}

Bytes ReceivedBatch::bytes(std::size_t index) const {
  return {bytes_.get() + index * longest_, std::min<std::size_t>(messages_[index].msg_len, longest_)};
}

bool ReceivedBatch::is_cut(std::size_t index) const {
  return (messages_[index].msg_hdr.msg_flags & MSG_TRUNC) != 0;
}

void SendBatch::add(const Peer& peer, const OwnAddress* own, Bytes head, Bytes body) {
  iovec* const pieces = &pieces_[2 * count_];
  pieces[0] = {.iov_base = const_cast<std::byte*>(head.data()), .iov_len = head.size()};
  pieces[1] = {.iov_base = const_cast<std::byte*>(body.data()), .iov_len = body.size()};
  msghdr& message = messages_[count_++].msg_hdr;
  message = {};
  message.msg_name = const_cast<sockaddr_storage*>(&peer.address);
  message.msg_namelen = peer.length;
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  if (own == nullptr || own->length == 0) return;
  message.msg_control = const_cast<std::byte*>(own->control.data());
  message.msg_controllen = own->length;
}

std::size_t SendBatch::send(int fd) {
  std::size_t sent = 0;
  while (sent < count_) {
    const int taken = sendmmsg(fd, &messages_[sent], static_cast<unsigned>(count_ - sent), 0);
    if (taken <= 0 && errno != EINTR) break;
    sent += static_cast<std::size_t>(std::max(taken, 0));
  }
  count_ = 0;
  return sent;
}

}  // namespace penstock::flowload
