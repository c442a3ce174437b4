// The door of a QUIC server: what becomes of packets that belong to no connection.
#pragma once

#include <optional>

#include "base/source_counts.h"
#include "quic/library_connection.h"
#include "quic/packet_batch.h"
#include "quic/quic_endpoint.h"

namespace penstock {

/// Answers into the batch, never with more bytes than came. Of peers it knows only how many unfinished
/// handshakes each source has.
class ServerGate {
 public:
  ServerGate(ConnectionHost& host, const QuicLimits& limits, QuicEndpointReport& report)
      : host_{host},
        limits_{limits},
        handshakes_{limits.source_prefix_v4, limits.source_prefix_v6},
        report_{report} {}

  /// Whether a connection may begin with this packet, beside so many; if not, it was answered or counted.
  std::optional<LibraryConnection::Admission> admit(const ReceivedDatagram& datagram,
                                                    const ngtcp2_version_cid& ids, std::size_t connections);
  /// A handshake has begun; finished() is called with the same source, whatever becomes of it.
  void begun(const IpAddress& source) { handshakes_.add(source); }
  void finished(const IpAddress& source) { handshakes_.remove(source); }
  /// The peer speaks a version that we do not.
  void offer_versions(const ReceivedDatagram& datagram, const ngtcp2_version_cid& ids);
  /// Asks the sender of this first packet to prove its address.
  void ask_for_proof(const ReceivedDatagram& datagram);
  /// Tells the sender of this first packet to go.
  void turn_away(const ReceivedDatagram& datagram, const ngtcp2_pkt_hd& header, std::uint64_t reason);
  void set_limits(const QuicLimits& limits) { limits_ = limits; }
  void stop_accepting() { accepting_ = false; }

 private:
  bool has_room_for(const IpAddress& source) const;
  bool wants_proof_of(const IpAddress& source) const;
  bool check_token(const ReceivedDatagram& datagram, LibraryConnection::Admission& admission);
  void send_retry(const ReceivedDatagram& datagram, const ngtcp2_pkt_hd& header);
  void reset_unknown(const ReceivedDatagram& datagram, const ngtcp2_version_cid& ids);
  void answer(const ReceivedDatagram& datagram, ngtcp2_ssize size);
  bool may_answer();

  ConnectionHost& host_;
  QuicLimits limits_;
  SourceCounts handshakes_;
  QuicEndpointReport& report_;
  LibraryPath path_;
  bool accepting_ = true;
  Time period_{};         // began then ...
  unsigned answers_ = 0;  // ... with so many unasked answers since
};

}  // namespace penstock
