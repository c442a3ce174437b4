// A carrier on which every stream is a stream of QUIC, and every datagram one of QUIC's.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tunnel/carrier.h"
#include "tunnel/datagram_queue.h"
#include "tunnel/fragment_assembler.h"
#include "tunnel/quic_link.h"
#include "tunnel/send_turns.h"

namespace penstock {

/// Control frames and those of sessions travel on the control stream; the windows of streams are QUIC's, and
/// the budget's all the same. Towards the tunnel a stream buffers what is under way, and what was read for a
/// packet that congestion control holds back. The peer must speak our version.
class QuicCarrier final : public Carrier, private QuicFlows {
 public:
  /// `quic` is the link itself. A hub's holds back what belongs to flows and sessions until resume().
  QuicCarrier(Loop& loop, std::unique_ptr<Link> link, QuicLink& quic, const CarrierSettings& settings,
              CarrierObserver& observer, std::string_view greeting, std::vector<std::byte> leftover);
  ~QuicCarrier() override;

  bool send_datagram(FrameType type, std::uint32_t session, Bytes payload, LedgerLine& line) override;
  bool open_session(std::uint32_t session, Bytes proxy_header, Bytes payload, LedgerLine& line) override;
  bool loses_datagrams() const override { return true; }
  bool moves() const override { return false; }
  void resume() override;
  CarrierReport report() const override;

 private:
  /// A stream of the peer's that has not said yet what it is, or that brings one long datagram.
  struct Incoming {
    std::vector<std::byte> bytes;
    std::size_t granted = 0;  // of them, again
    bool ended = false;
    Time since{};
  };
  /// A long datagram's stream, until all that we have to send on it was sent: the datagram, or only an end.
  struct Outgoing {
    QuicStreamId id;
    std::size_t bytes;
  };

  // Carrier
  Result<std::uint32_t> begin_stream(std::string_view line) override;
  SendWindow send_window() const override;
  void grant(Stream& stream, std::uint32_t bytes) override;
  void abandon(Stream& stream, Reason reason, const std::string& text, bool tell_peer) override;
  void refuse(std::uint32_t id, Reason reason) override;
  bool travels(FrameType type) const override;
  Result<void> handle_stream_frame(const FramePart& part) override;
  void flush() override;
  void drop_datagrams() override { datagrams_.drop_all(PST_R_TUNNEL_LOST); }
  void check(Time now) override;

  // QuicFlows: receiving (quic_carrier.cc)
  void on_stream_data(QuicStreamId id, Bytes data, bool end) override;
  void on_stream_reset(QuicStreamId id, std::uint64_t code) override;
  void on_stream_closed(QuicStreamId id) override;
  void on_datagram(Bytes datagram) override;
  void on_turn_end() override;
  void release();
  void take_stream_data(Stream& stream, Bytes data, bool end);
  void take_incoming(QuicStreamId id, Bytes data, bool end);
  void settle_incoming(QuicStreamId id);
  void begin_flow(QuicStreamId id, Incoming& incoming);
  void refuse_incoming(QuicStreamId id, Reason reason);
  void take_datagram(Bytes datagram);
  void drop(Reason reason, std::size_t bytes);
  void heard();
  void take_session_frame(FrameType type, std::uint32_t session, Bytes payload);
  void end_reset_streams();
  void adapt_turns();

  // ... and sending (quic_sending.cc)
  void on_stream_credit(QuicStreamId id) override;
  void on_stream_acknowledged(QuicStreamId id, std::size_t bytes) override;
  void fill(QuicPacket& packet) override;
  bool fill_from_streams(QuicPacket& packet);
  bool fill_from_datagrams(QuicPacket& packet);
  bool fill_from_outgoing(QuicPacket& packet);
  bool fill_fragment(QuicPacket& packet, std::size_t room);
  void datagram_sent();
  static std::size_t fragments_of(std::size_t bytes, std::size_t room);
  static std::size_t fragments_room(std::size_t room);
  void forget_outgoing(QuicStreamId id);
  void forget_buffered(QuicStreamId id);
  void pull(Stream& stream, SendBuffer& buffer);
  void source_ended(Stream& stream);
  bool queue_datagram(wire::QuicDatagramType type, std::uint32_t session, Bytes proxy_header, Bytes payload,
                      LedgerLine& line);
  bool send_on_stream(Bytes head, Bytes proxy_header, Bytes payload, LedgerLine& line);
  bool datagrams_wait() const { return !pending_.empty() || !datagrams_.empty() || !outgoing_.empty(); }
  void end_failed_streams();

  /// Of the edge's streams, whose ids are 0, 4, 8, ...; 0 is the control stream.
  static std::uint32_t id_of(QuicStreamId id) { return static_cast<std::uint32_t>(id / 4); }
  static QuicStreamId quic_id(std::uint32_t id) { return QuicStreamId{id} * 4; }
  static bool is_edges(QuicStreamId id) { return id % 4 == 0; }

  QuicLink& quic_;
  QuicConnection& connection_;
  bool held_;  // until resume()

  std::map<QuicStreamId, Incoming> incoming_;
  std::size_t incoming_bytes_ = 0;
  std::deque<std::vector<std::byte>> early_;  // datagrams that came while held
  std::size_t early_bytes_ = 0;
  std::vector<std::uint32_t> touched_;                      // streams with bytes of this turn
  std::vector<std::uint32_t> draining_;                     // ... of which they go on; keeps its memory
  std::unordered_map<std::uint32_t, std::uint64_t> reset_;  // streams that the peer aborted in this turn: why
  FragmentAssembler assembler_;

  SendTurns turns_;
  QuicStreamId turn_of_ = 0;  // the stream that was offered last
  DatagramQueue datagrams_;
  std::vector<std::byte> pending_;  // the datagram whose turn it is
  std::uint16_t fragment_number_ = 0;
  std::uint8_t fragment_index_ = 0;
  std::uint8_t fragment_count_ = 0;  // of pending_, once it is being sent in fragments
  std::size_t fragment_part_ = 0;    // bytes of each
  std::vector<std::byte> fragment_;  // the one that is offered
  std::deque<Outgoing> outgoing_;
  std::vector<Outgoing> blocked_;  // until the peer permits more
  std::size_t outgoing_bytes_ = 0;
  std::vector<std::pair<std::uint32_t, boost::system::error_code>> failed_;  // sources, in this packet
  std::size_t buffered_ = 0;  // bytes of streams that are under way or wait
  bool starved_ = false;      // sources were left unread because of them
};

}  // namespace penstock
