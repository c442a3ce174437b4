// What one QUIC connection needs of the endpoint that it belongs to.
#pragma once

#include <optional>
#include <vector>

#include "quic/connection_id.h"
#include "quic/packet_batch.h"
#include "quic/quic_endpoint.h"

namespace penstock {

class LibraryConnection;

/// What remains of a connection that ended: packets to its ids are answered with the last one, or not at all.
struct ConnectionRemains {
  std::vector<ConnectionId> ids;
  std::vector<std::byte> answer;  // empty: none
  Time until{};                   // in the past: nothing remains
};

class ConnectionHost {
 public:
  virtual Time now() const = 0;
  virtual const QuicSettings& settings() const = 0;
  /// From which the tokens for stateless resets of our ids are made.
  virtual const QuicSecret& secret() const = 0;
  virtual PacketBatch& batch() = 0;

  virtual ConnectionId make_id() = 0;
  virtual void add_id(const ConnectionId& id, LibraryConnection& connection) = 0;
  virtual void remove_id(const ConnectionId& id) = 0;

  /// There may be something to write, or to end.
  virtual void write_soon(LibraryConnection& connection) = 0;
  virtual void on_handshake_complete(LibraryConnection& connection) = 0;
  /// It ended: it is destroyed once no call is under way any more.
  virtual void retire(LibraryConnection& connection, ConnectionRemains remains) = 0;

 protected:
  ~ConnectionHost() = default;
};

}  // namespace penstock
