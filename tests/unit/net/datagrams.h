// UDP sockets of a test: one that keeps what it receives, and one made without the code under test.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "unit/net/loopback.h"

namespace penstock {

struct Datagram {
  Endpoint peer;
  IpAddress local;
  std::string payload;
};

/// Keeps everything it is told.
class Receiver final : public UdpObserver {
 public:
  void on_datagrams(std::span<const ReceivedDatagram> told) override {
    ++calls;
    for (const ReceivedDatagram& each : told)
      datagrams.push_back({each.peer, each.local, std::string{as_text(each.payload)}});
    if (then) then();
  }
  void on_overrun(std::uint64_t count) override {
    overrun += count;
    if (then_after_overrun) then_after_overrun();
  }
  std::vector<std::string> payloads() const {
    std::vector<std::string> out;
    for (const Datagram& each : datagrams) out.push_back(each.payload);
    return out;
  }

  std::vector<Datagram> datagrams;
  std::uint64_t overrun = 0;
  int calls = 0;
  std::function<void()> then;
  std::function<void()> then_after_overrun;
};

inline std::unique_ptr<BoundUdp> bind_one(Network& network, const Endpoint& on) {
  auto made = network.bind_udp(on, 1);
  EXPECT_TRUE(made) << made.error().what;
  return std::move(made->front());
}

/// An attached socket with its receiver.
struct Talking {
  Talking(Network& network, std::unique_ptr<BoundUdp> bound)
      : socket{network.attach(std::move(bound), receiver)} {}
  Talking(Network& network, const Endpoint& on) : Talking{network, bind_one(network, on)} {}

  UdpSent send(const Endpoint& to, const std::string& payload, const IpAddress& from = {}) const {
    const OutgoingDatagram datagram{.peer = to, .local = from, .header = {}, .payload = as_bytes(payload)};
    return socket->send({&datagram, 1});
  }

  Receiver receiver;
  std::unique_ptr<UdpSocket> socket;
};

/// A socket of another program.
class ForeignSocket {
 public:
  explicit ForeignSocket(const Endpoint& on, bool shares = false)
      : fd_{::socket(on.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    if (shares) set(SOL_SOCKET, SO_REUSEPORT, 1);
    sockaddr_storage address{};
    const socklen_t length = on.to_sockaddr(address);
    bound_ = ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0;
  }
  bool bound() const { return bound_; }
  int fd() const { return fd_.get(); }
  void set(int level, int name, int value) const { ::setsockopt(fd(), level, name, &value, sizeof value); }
  Endpoint local() const {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(fd(), reinterpret_cast<sockaddr*>(&address), &length);
    return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
  }
  bool send(const Endpoint& to, const std::string& payload) const {
    sockaddr_storage address{};
    const socklen_t length = to.to_sockaddr(address);
    return ::sendto(fd(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                    length) == static_cast<ssize_t>(payload.size());
  }

  struct Message {
    std::size_t bytes = 0;
    int segment = 0;  // with UDP_GRO: of the datagrams that it has joined; 0: one datagram
  };
  /// The next message that has come, if one has.
  std::optional<Message> receive() const {
    std::vector<char> buffer(65536);
    alignas(cmsghdr) std::array<char, 128> control;
    iovec piece{.iov_base = buffer.data(), .iov_len = buffer.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(fd(), &header, MSG_DONTWAIT);
    if (count < 0) return std::nullopt;
    Message out{.bytes = static_cast<std::size_t>(count)};
    const cmsghdr* const first = CMSG_FIRSTHDR(&header);
    if (first != nullptr && first->cmsg_level == IPPROTO_UDP && first->cmsg_type == UDP_GRO)
      std::memcpy(&out.segment, CMSG_DATA(first), sizeof out.segment);
    return out;
  }

 private:
  FileDescriptor fd_;
  bool bound_ = false;
};

/// A port that nobody has.
inline std::uint16_t free_udp_port() {
  return ForeignSocket{loopback(0)}.local().port;
}

}  // namespace penstock
