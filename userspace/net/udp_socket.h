// UDP sockets: datagrams in and out in batches, each with both of its addresses.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "base/address.h"
#include "base/bytes.h"

namespace penstock {

/// A UDP socket that is bound but belongs to no loop yet: it may be handed to another thread and becomes a
/// UdpSocket there. Datagrams that come meanwhile wait in it. Destroying it closes it.
class BoundUdp {
 public:
  virtual ~BoundUdp() = default;
  Endpoint local;  // what it is bound to; its address may be 0.0.0.0 or ::, its port never 0
};

/// One datagram that arrived. `payload` is good until the call that told of it returns.
struct ReceivedDatagram {
  Endpoint peer;
  IpAddress local;  // the address that the peer sent to, also where the socket is bound to all addresses
  Bytes payload;
  std::uint16_t local_port = 0;  // the port that it sent to, where a socket takes those of others; 0: its own
  std::uint8_t ecn = 0;          // RFC 3168: the two bits of the IP header; 0 where the socket asks for none
};

/// One datagram to be sent: `header`, then `payload`, then so many bytes of `padding`, all zero.
struct OutgoingDatagram {
  Endpoint peer;
  IpAddress local;  // the address to send from; :: leaves it to the system
  Bytes header;     // may be empty
  Bytes payload;
  std::size_t padding = 0;  // at most kMostPadding
  std::uint8_t ecn = 0;     // RFC 3168: the two bits of the IP header
};
constexpr std::size_t kMostPadding = 4096;
/// Bytes that the system takes in one piece where datagrams for one peer have one size, or the last one less
/// (GSO). With headers less than 64 KiB, or it is cut early.
constexpr std::size_t kLongestRun = 65000;

class UdpObserver {
 public:
  /// Datagrams of one socket, in the order in which they came; at least one.
  virtual void on_datagrams(std::span<const ReceivedDatagram> datagrams) = 0;
  /// The system threw away so many datagrams of this socket, since nobody had read those before them.
  virtual void on_overrun(std::uint64_t datagrams) = 0;
  /// One of so many bytes was thrown away, since its checksum was wrong; for sockets without the host's
  /// stack.
  virtual void on_damaged(std::size_t /*bytes*/) {}

 protected:
  ~UdpObserver() = default;
};

/// What became of a batch. `sent` of its datagrams, from the front, were taken by the system; the next one
/// was not, `error` says why, and those behind it were not tried. All were taken when sent is the batch's
/// size.
struct UdpSent {
  std::size_t sent = 0;
  boost::system::error_code error;
};

/// One thread, its loop's. Reads by itself and tells its observer, from the loop, never from within a call
/// but poll(). An ICMP error that some peer caused is nobody else's business and is never told. Destroying it
/// closes it.
class UdpSocket {
 public:
  virtual ~UdpSocket() = default;
  virtual const Endpoint& local() const = 0;
  /// Sends a batch with as few system calls as can be; never blocks and never queues.
  virtual UdpSent send(std::span<const OutgoingDatagram> batch) = 0;
  /// Waits, for that long at most, until the system has sent half of what it may hold for this socket: where
  /// that is its own next step, as on a virtual device, and not a network's.
  virtual void wait_for_room(std::chrono::milliseconds most) = 0;
  /// Reads what waits now and tells of it from within this call, which may be one of another socket's
  /// on_datagrams(), though not of one that was called by poll() itself.
  virtual void poll() = 0;
};

}  // namespace penstock
