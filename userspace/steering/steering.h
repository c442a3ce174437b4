// Steering: taking a UDP datagram to the right place, by session, whatever does it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "net/udp_socket.h"
#include "steering/session_table.h"

namespace penstock {

/// Told from the loop, never from within a call to the steering but for on_sent().
class SteeringObserver {
 public:
  /// A datagram from the remote end of a session.
  virtual void on_datagram(Session& session, Bytes payload) = 0;
  /// A datagram on a path that no session has: it may open one.
  virtual void on_stranger(const SessionPath& path, Bytes payload) = 0;
  /// The system lost datagrams for one of our local ends, before anybody could see whose they were.
  virtual void on_overrun(const Endpoint& local, std::uint64_t datagrams) = 0;
  /// What became of a datagram that send() took, with so many bytes of payload: it left, or `error` says why
  /// the system did not send it. The one call that may come from within send(), flush(), remove() or close().
  virtual void on_sent(Session& session, std::size_t bytes, const boost::system::error_code& error) = 0;

 protected:
  ~SteeringObserver() = default;
};

/// Between sessions and the network, on one worker. Sessions are those of the table that it was made with:
/// add() and remove() tell it of what was put there and what is about to be taken out.
class Steering {
 public:
  virtual ~Steering() = default;
  /// A local end on which datagrams are taken from now on, from anybody.
  virtual void open(std::unique_ptr<BoundUdp> socket) = 0;
  /// Ends it; its sessions must have been removed.
  virtual void close(const Endpoint& local) = 0;

  virtual void add(Session& session) = 0;
  virtual void remove(Session& session) = 0;
  /// Sends to the session's remote end, from its local end, `header` and `payload` as one datagram. Both are
  /// copied; what was taken leaves in a batch, at the latest with flush().
  virtual void send(Session& session, Bytes header, Bytes payload) = 0;
  /// Sends a datagram of our own, not of the session's other end: it is not told of by on_sent().
  virtual void send_header(Session& session, Bytes header) = 0;
  virtual void flush() = 0;
};

}  // namespace penstock
