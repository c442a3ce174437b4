// Steering: taking a UDP datagram to the right place, by session, whatever does it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "base/reason.h"
#include "net/network.h"
#include "proto/proxy_header.h"
#include "steering/direct_steering.h"
#include "steering/session_table.h"

namespace penstock {

/// Where a hub's session came from: the end of the tunnel that it has at its edge.
struct SessionOrigin {
  std::uint64_t edge = 0;      // hash of the edge's id
  std::uint64_t instance = 0;  // of the edge
  std::uint32_t wire_id = 0;
  std::uint32_t carrier = 0;  // index among the tunnel's carriers
  bool operator==(const SessionOrigin&) const = default;
};

/// Told from the loop, never from within a call to the steering but for on_sent().
class SteeringObserver {
 public:
  /// A datagram from the remote end of a session.
  virtual void on_datagram(Session& session, Bytes payload) = 0;
  /// A datagram on a path that no session has: it may open one.
  virtual void on_stranger(const SessionPath& path, Bytes payload) = 0;
  /// The system lost datagrams for one of our local ends, before anybody could see whose they were.
  virtual void on_overrun(const Endpoint& local, std::uint64_t datagrams) = 0;
  /// So many bytes came as one datagram that goes to no session and never will.
  virtual void on_lost(Reason reason, std::size_t bytes) = 0;
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
  /// The local end that has this number towards `remote`, opened if it is not yet: a source of our own,
  /// numbered from 0 without gaps. The same number may be another endpoint towards another remote end.
  virtual Result<Endpoint> source(std::uint32_t number, const Endpoint& remote) = 0;
  /// How many numbers source() takes, less than `most` where the system has no more to give.
  virtual std::uint32_t sources(bool v4, std::uint32_t most) const = 0;

  /// What it can do without a tunnel; null where it cannot.
  virtual DirectSteering* direct() { return nullptr; }

  /// A session that the process before left.
  struct Left {
    SessionId id;
    SessionPath path;
    ProxyAddresses seen;               // what add() was told
    std::optional<DirectRoute> route;  // where its programs forward it alone
    // At a hub, and at no edge:
    std::optional<SessionOrigin> origin;
    std::optional<std::uint32_t> source;  // the number for which source() gives its local end
  };
  /// Calls `take` for each of them, in the order of slots: true keeps it, and `take` has added it. Before
  /// anything else.
  virtual void adopt(const std::function<bool(const Left&)>& take) = 0;
  /// `seen` is what a PROXY header of the session says.
  virtual void add(Session& session, const ProxyAddresses& seen) = 0;
  /// That, of a session that was added and is not removed.
  virtual ProxyAddresses seen(const Session& session) const = 0;
  /// Whether `backend` can be made to see `client` as the sender: PST_R_COMPLETED, or why not.
  virtual Reason may_send_as(const Endpoint& /*client*/, const Endpoint& /*backend*/) {
    return PST_R_NOT_TRANSPARENT;
  }
  /// Instead of add(), for a session whose local end is the client itself, as may_send_as() permits.
  /// PST_R_COMPLETED, or why not: then nothing was done.
  virtual Reason add_transparent(Session& /*session*/, const ProxyAddresses& /*seen*/) {
    return PST_R_NOT_TRANSPARENT;
  }
  /// Tells the process after this one where a session came from that was added.
  virtual void remember(const Session& session, const SessionOrigin& origin) = 0;
  virtual void remove(Session& session) = 0;
  /// Sends to the session's remote end, from its local end, `header` and `payload` as one datagram. A header
  /// is that of what add() was told, or empty. Both are copied; what was taken leaves in a batch, at the
  /// latest with flush().
  virtual void send(Session& session, Bytes header, Bytes payload) = 0;
  /// Sends a datagram of our own, not of the session's other end: it is not told of by on_sent().
  virtual void send_header(Session& session, Bytes header) = 0;
  virtual void flush() = 0;
};

/// Makes the steering of a role, an edge or a hub, on each of its workers. Outlives what it makes.
class SteeringMaker {
 public:
  virtual ~SteeringMaker() = default;
  /// Called once for a worker, before its thread runs. The others outlive what is made.
  virtual std::unique_ptr<Steering> make(unsigned worker, Network& network, SessionTable& table,
                                         SteeringObserver& observer) = 0;
  /// Where the slots of the role's sessions begin: roles of one node do not share any.
  virtual std::uint32_t first_slot() const = 0;
};

}  // namespace penstock
