// The door of a QUIC server: what becomes of packets that belong to no connection.
#pragma once

#include <optional>

#include "quic/library_connection.h"
#include "quic/packet_batch.h"
#include "quic/quic_endpoint.h"

namespace penstock {

/// Answers into the batch, never with more bytes than came. Remembers no peer.
class ServerGate {
 public:
  struct Load {
    std::size_t connections = 0;
    std::size_t handshakes = 0;  // of those, unfinished
  };

  ServerGate(ConnectionHost& host, const QuicLimits& limits, QuicEndpointReport& report)
      : host_{host}, limits_{limits}, report_{report} {}

  /// Whether a connection may begin with this packet; if not, it was answered or counted.
  std::optional<LibraryConnection::Admission> admit(const ReceivedDatagram& datagram,
                                                    const ngtcp2_version_cid& ids, const Load& load);
  /// The peer speaks a version that we do not.
  void offer_versions(const ReceivedDatagram& datagram, const ngtcp2_version_cid& ids);
  /// Asks the sender of this first packet to prove its address.
  void ask_for_proof(const ReceivedDatagram& datagram);
  /// Tells the sender of this first packet to go.
  void turn_away(const ReceivedDatagram& datagram, const ngtcp2_pkt_hd& header, std::uint64_t reason);
  void stop_accepting() { accepting_ = false; }

 private:
  bool check_token(const ReceivedDatagram& datagram, LibraryConnection::Admission& admission);
  void send_retry(const ReceivedDatagram& datagram, const ngtcp2_pkt_hd& header);
  void reset_unknown(const ReceivedDatagram& datagram, const ngtcp2_version_cid& ids);
  void answer(const ReceivedDatagram& datagram, ngtcp2_ssize size);
  bool may_answer();

  ConnectionHost& host_;
  const QuicLimits limits_;
  QuicEndpointReport& report_;
  LibraryPath path_;
  bool accepting_ = true;
  Time period_{};         // began then ...
  unsigned answers_ = 0;  // ... with so many unasked answers since
};

}  // namespace penstock
