// The packets of a run, each while its connection's owner fills it.
#pragma once

#include "quic/library_connection.h"
#include "quic/quic_connection.h"

namespace penstock {

/// One for a run of packets: begin(), then the owner's fill(), then finish(), for each, until the run is
/// over. All of it is written as of one time.
class PacketFiller final : public QuicPacket {
 public:
  /// `run`: bytes after which the packet that has them is the last.
  PacketFiller(LibraryConnection& connection, ngtcp2_tstamp now, std::size_t run);

  void begin(MutableBytes into);
  bool begin_turn() override;
  Outcome add_stream(QuicStreamId id, std::size_t& taken) override;
  Outcome add_datagram(Bytes datagram, bool& taken) override;
  /// The size of the packet; 0: none can be sent now, or the run was over before anything was in it;
  /// negative: the library's error.
  ngtcp2_ssize finish();
  bool run_is_over() const { return over_ || used_ > run_; }

  const ngtcp2_path& path() const { return storage_.path; }
  /// Of what is in it, but for what is sent again.
  const std::optional<LongPackets::Witness>& witness() const { return witness_; }
  std::uint8_t ecn() const { return static_cast<std::uint8_t>(info_.ecn); }

 private:
  Outcome complete(ngtcp2_ssize size);

  LibraryConnection& connection_;
  const ngtcp2_tstamp now_;
  const std::size_t run_;
  std::size_t used_ = 0;  // bytes of its packets that are finished
  bool over_ = false;     // as a turn found
  ngtcp2_path_storage storage_{};
  ngtcp2_pkt_info info_{};
  MutableBytes into_;
  bool complete_ = false;
  ngtcp2_ssize size_ = 0;
  std::optional<LongPackets::Witness> witness_;
};

}  // namespace penstock
