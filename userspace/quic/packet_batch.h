// Packets of all connections of an endpoint on their way to its socket.
#pragma once

#include <memory>
#include <vector>

#include "net/udp_socket.h"

namespace penstock {

/// Written one behind the other into one buffer, and sent with as few system calls as can be.
class PacketBatch {
 public:
  /// Bytes of the longest packet that is written.
  static constexpr std::size_t kLongest = 1500;

  explicit PacketBatch(UdpSocket& socket);

  /// Where the next packet is to be written: kLongest bytes. Sends when there is no room any more.
  MutableBytes room();
  void add(std::size_t bytes, const Endpoint& peer, const IpAddress& local, std::uint8_t ecn);
  /// What the system does not take is lost, as the network loses packets.
  void send();

  /// The system had no room for all that was sent since the last call.
  bool take_congestion() { return std::exchange(congested_, false); }
  bool is_congested() const { return congested_; }

 private:
  static constexpr std::size_t kMost = 128;  // packets

  UdpSocket& socket_;
  const std::unique_ptr<std::byte[]> bytes_;
  std::size_t used_ = 0;
  std::vector<OutgoingDatagram> packets_;
  bool congested_ = false;
};

}  // namespace penstock
