// Sessions whose datagrams the kernel programs take from the client to the backend and back alone.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/reason.h"
#include "net/network.h"
#include "proto/proxy_header.h"
#include "steering/session.h"

namespace penstock {

/// The side of a session that is towards its backend, at an edge.
struct DirectRoute {
  Endpoint backend;
  Endpoint source;             // what the backend sees as the sender
  bool proxy_in_each = false;  // PROXY v2 stands in front of every datagram to the backend
  bool transparent = false;    // the source is the client, as Steering::may_send_as() permits
};

/// What a steering that can do so offers besides Steering, on the same thread. Of these sessions the observer
/// is told only what the programs left to the stack: datagrams of the client by on_datagram(), those of the
/// backend by on_stranger(), on the path from `source` to `backend`.
class DirectSteering {
 public:
  /// Instead of Steering::add(): what the backend sends is forwarded from now on. A session that the process
  /// before left is taken over, and never stops. Steering::remove() ends it. PST_R_COMPLETED, or why a
  /// transparent one cannot be: then nothing was done.
  virtual Reason add_direct(Session& session, const ProxyAddresses& seen, const DirectRoute& route) = 0;
  /// What the client sends is forwarded from now on too: a datagram of ours could be overtaken before.
  virtual void forward_client(Session& session) = 0;
  /// Sends to the backend, from the session's source, at once. A header is that of what add_direct() was
  /// told, or empty.
  virtual boost::system::error_code send_to_backend(Session& session, Bytes header, Bytes payload) = 0;
  /// All that the programs forwarded of the session so far. Brings its ways up to date, if routes changed.
  virtual ForwardedTraffic forwarded(Session& session) = 0;
  /// The number for which source() gives that source towards that backend; none when it is not of this
  /// worker. The source is ours from then on.
  virtual std::optional<std::uint32_t> number_of(const DirectRoute& route) = 0;

 protected:
  ~DirectSteering() = default;
};

}  // namespace penstock
