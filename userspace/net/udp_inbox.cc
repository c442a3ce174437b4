#include "net/udp_inbox.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

namespace penstock {
namespace {

constexpr int kEcn = 3;  // of the byte that was called type of service, or traffic class

template <class T>
T content(const cmsghdr* control) {
  T out{};
  std::memcpy(&out, CMSG_DATA(control), sizeof out);
  return out;
}

IpAddress address_of(const in_addr& address) {
  return IpAddress::v4(ntohl(address.s_addr));
}

IpAddress address_of(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress::v6(bytes);
}

/// What the sender wrote to, where the socket was found for it (sk_lookup) though bound to something else.
template <class SockAddr>
void take_original(ReceivedDatagram& datagram, const SockAddr& original) {
  const Endpoint local = Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&original));
  datagram.local = local.address;
  datagram.local_port = local.port;
}

}  // namespace

UdpInbox& UdpInbox::of_thread() {
  thread_local const std::unique_ptr<UdpInbox> inbox{new UdpInbox};
  return *inbox;
}

UdpInbox& UdpInbox::nested_of_thread() {
  thread_local const std::unique_ptr<UdpInbox> inbox{new UdpInbox};
  return *inbox;
}

UdpInbox::UdpInbox() : payloads_{new std::byte[kSlots * kSlotSize]} {
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    pieces_[slot] = {.iov_base = payloads_.get() + slot * kSlotSize, .iov_len = kSlotSize};
    messages_[slot].msg_hdr.msg_name = &peers_[slot];
    messages_[slot].msg_hdr.msg_iov = &pieces_[slot];
    messages_[slot].msg_hdr.msg_iovlen = 1;
    messages_[slot].msg_hdr.msg_control = &controls_[slot];
  }
  filled_ = kSlots;
}

/// Reading leaves the lengths of what came in the slots that it filled.
void UdpInbox::prepare() {
  for (std::size_t slot = 0; slot < filled_; ++slot) {
    messages_[slot].msg_hdr.msg_namelen = sizeof peers_[slot];
    messages_[slot].msg_hdr.msg_controllen = kControl;
  }
  filled_ = opened_ = 0;
  rest_waits_ = false;
}

bool UdpInbox::read(int fd) {
  prepare();
  int count = 0;
  do {
    count = ::recvmmsg(fd, messages_.data(), kSlots, 0, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  filled_ = static_cast<std::size_t>(count);
  return filled_ == kSlots;
}

UdpInbox::Rest UdpInbox::open(std::size_t slot) const {
  const mmsghdr& message = messages_[slot];
  assert((message.msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0);
  Rest out;
  out.whole.peer = Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&peers_[slot]));
  out.whole.payload = {payloads_.get() + slot * kSlotSize, message.msg_len};
  out.segment = message.msg_len;
  msghdr header = message.msg_hdr;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
      out.whole.local = address_of(content<in_pktinfo>(control).ipi_addr);
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
      out.whole.local = address_of(content<in6_pktinfo>(control).ipi6_addr);
    } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_ORIGDSTADDR) {
      take_original(out.whole, content<sockaddr_in>(control));
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_ORIGDSTADDR) {
      take_original(out.whole, content<sockaddr_in6>(control));
    } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TOS) {
      out.whole.ecn = content<std::uint8_t>(control) & kEcn;
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_TCLASS) {
      out.whole.ecn = static_cast<std::uint8_t>(content<int>(control) & kEcn);
    } else if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
      out.segment = static_cast<std::size_t>(std::max(content<int>(control), 1));
    }
  }
  return out;
}

std::span<const ReceivedDatagram> UdpInbox::next() {
  std::size_t count = 0;
  while (count < kGiven) {
    if (!rest_waits_) {
      if (opened_ == filled_) break;
      rest_ = open(opened_++);
      rest_waits_ = true;
    }
    Bytes& left = rest_.whole.payload;
    const std::size_t size = std::min(rest_.segment, left.size());
    given_[count++] = {rest_.whole.peer, rest_.whole.local, left.first(size), rest_.whole.local_port,
                       rest_.whole.ecn};
    left = left.subspan(size);
    rest_waits_ = !left.empty();
  }
  return std::span{given_}.first(count);
}

}  // namespace penstock
