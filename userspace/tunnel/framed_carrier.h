// A carrier on which everything travels in frames over its link: streams, datagrams and control.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tunnel/carrier.h"
#include "tunnel/datagram_queue.h"
#include "tunnel/send_turns.h"

namespace penstock {

/// The carrier of TLS, and of the published protocol. Streams have windows of its own making.
class FramedCarrier final : public Carrier {
 public:
  FramedCarrier(Loop& loop, std::unique_ptr<Link> link, const CarrierSettings& settings,
                CarrierObserver& observer, std::string_view greeting, std::vector<std::byte> leftover);
  /// One in penstock mode that comes from another loop; it is paused.
  FramedCarrier(Loop& loop, Network& network, const CarrierSettings& settings, CarrierObserver& observer,
                Luggage luggage);

  bool send_datagram(FrameType type, std::uint32_t session, Bytes payload, LedgerLine& line) override;
  bool open_session(std::uint32_t session, Bytes proxy_header, Bytes payload, LedgerLine& line) override;
  bool loses_datagrams() const override { return false; }
  bool moves() const override { return true; }

 private:
  /// What is gathered for one write: a full TLS record, and place for a CLOSE behind it. Gathering more saves
  /// little and costs much where the kernel paces what it sends (BBR): a burst then waits on a timer for each
  /// of its segments.
  static constexpr std::size_t kOutSize = wire::kMaxDataSent + 2 * wire::kHeaderSize;

  Result<std::uint32_t> begin_stream(std::string_view line) override;
  SendWindow send_window() const override;
  void grant(Stream& stream, std::uint32_t bytes) override;
  void abandon(Stream& stream, Reason reason, const std::string& text, bool tell_peer) override;
  void refuse(std::uint32_t id, Reason reason) override;
  bool travels(FrameType /*type*/) const override { return true; }
  void drop_datagrams() override { datagrams_.drop_all(PST_R_TUNNEL_LOST); }
  Bytes unsent() const override { return {out_.get() + out_begin_, out_.get() + out_end_}; }

  // Receiving (framed_carrier.cc)
  Result<void> handle_stream_frame(const FramePart& part) override;
  Result<void> handle_open(const FramePart& part);
  Result<void> late(const FramePart& part);
  Result<void> handle_data(Stream& stream, const FramePart& part);
  Result<void> handle_end(Stream& stream);
  Result<void> handle_window_update(Stream& stream, Bytes payload);

  // Sending (framed_sending.cc)
  void flush() override;
  void fill();
  void fill_from_control();
  void fill_from_streams();
  void fill_from_datagrams();
  void fill_from(Stream& stream);
  void append_header(const FrameHeader& header);
  void source_blocked(Stream& stream);
  void source_ended(Stream& stream);
  FrameType data_type() const { return side_ == Side::kEdge ? FrameType::kData : FrameType::kDataBack; }
  FrameType close_type() const { return side_ == Side::kEdge ? FrameType::kClose : FrameType::kCloseBack; }
  FrameType window_type() const {
    return side_ == Side::kEdge ? FrameType::kWindowUpdate : FrameType::kWindowUpdateBack;
  }

  DatagramQueue datagrams_;
  SendTurns turns_;
  std::unique_ptr<std::byte[]> out_;  // being written: bytes from out_begin_ to out_end_
  std::size_t out_begin_ = 0;
  std::size_t out_end_ = 0;
};

}  // namespace penstock
