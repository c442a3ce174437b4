// A carrier on which everything travels in frames over its link: streams, datagrams and control.
#include "tunnel/framed_carrier.h"

#include <array>

namespace penstock {
namespace {

constexpr std::int64_t kFramedQuantum = wire::kMaxDataSent;  // one frame that fills a TLS record

std::unique_ptr<Link> joined(std::unique_ptr<Link> link, Network& network) {
  link->join(network);
  return link;
}

}  // namespace

FramedCarrier::FramedCarrier(Loop& loop, std::unique_ptr<Link> link, const CarrierSettings& settings,
                             CarrierObserver& observer, std::string_view greeting,
                             std::vector<std::byte> leftover)
    : Carrier{loop, std::move(link), settings, observer, greeting, std::move(leftover), kFramedQuantum},
      datagrams_{settings.datagram_queue},
      out_{new std::byte[kOutSize]} {
  begin();
}

FramedCarrier::FramedCarrier(Loop& loop, Network& network, const CarrierSettings& settings,
                             CarrierObserver& observer, Luggage luggage)
    : FramedCarrier{loop,
                    joined(std::move(luggage.link), network),
                    settings,
                    observer,
                    as_text(luggage.unsent),
                    std::move(luggage.unread)} {
  unpack(luggage);
}

Result<std::uint32_t> FramedCarrier::begin_stream(std::string_view line) {
  queue_frame(++last_stream_, FrameType::kOpen, as_bytes(line));
  return last_stream_;
}

/// Legacy peers know windows of 1 to 4 MB (megabytes of either kind): we send no more than the smallest
/// promises.
SendWindow FramedCarrier::send_window() const {
  constexpr std::uint64_t kLegacyCredit = 1'000'000;
  if (mode_ != Mode::kPenstock) return {kLegacyCredit, kLegacyCredit};
  return {wire::kInitialCredit, kMaxWindow};
}

void FramedCarrier::grant(Stream& stream, std::uint32_t bytes) {
  std::array<std::byte, 4> payload{};
  store_u32(payload.data(), bytes);
  queue_frame(stream.id(), window_type(), payload);
}

void FramedCarrier::abandon(Stream& stream, Reason reason, const std::string& text, bool tell_peer) {
  if (!tell_peer) return;
  if (mode_ == Mode::kPenstock) {
    queue_frame(stream.id(), FrameType::kReset, to_bytes(ResetMessage{.reason = reason, .text = text}));
  } else if (!stream.source_ended_) {
    queue_frame(stream.id(), close_type(), {});  // all that a legacy peer understands
  }
}

void FramedCarrier::refuse(std::uint32_t id, Reason reason) {
  const ResetMessage refusal{.reason = reason, .text = {}};
  queue_frame(id, mode_ == Mode::kPenstock ? FrameType::kReset : close_type(),
              mode_ == Mode::kPenstock ? to_bytes(refusal) : std::vector<std::byte>{});
}

Result<void> FramedCarrier::handle_stream_frame(const FramePart& part) {
  if (part.header.type == FrameType::kOpen) return handle_open(part);
  if (part.header.stream > last_stream_) return out_of_place("that stream was never opened");
  Stream* const stream = find(part.header.stream);
  if (stream == nullptr) return late(part);
  switch (part.header.type) {
    case FrameType::kData:
    case FrameType::kDataBack:
      return handle_data(*stream, part);
    case FrameType::kClose:
    case FrameType::kCloseBack:
      return handle_end(*stream);
    case FrameType::kReset:
      return handle_reset(*stream, part.payload);
    default:
      return handle_window_update(*stream, part.payload);
  }
}

/// What was on its way when the stream ended. A legacy peer, which knows no RESET, gets its credit back so
/// that it comes to an end of its own.
Result<void> FramedCarrier::late(const FramePart& part) {
  if (part.last) counters_.count(PST_R_LATE_FRAME);
  if (is_data(part.header.type)) count_late(part.payload.size());
  if (mode_ == Mode::kPenstock || !is_data(part.header.type) || part.payload.empty()) return {};
  std::array<std::byte, 4> credit{};
  store_u32(credit.data(), static_cast<std::uint32_t>(part.payload.size()));
  queue_frame(part.header.stream, window_type(), credit);
  return {};
}

Result<void> FramedCarrier::handle_open(const FramePart& part) {
  const std::uint32_t id = part.header.stream;
  if (id <= last_stream_)
    return out_of_place("stream ids must increase, the last one was " + std::to_string(last_stream_));
  last_stream_ = id;
  take_open(id, part.payload);
  return {};
}

Result<void> FramedCarrier::handle_data(Stream& stream, const FramePart& part) {
  if (stream.peer_ended_) return out_of_place("data after the end of that direction");
  if (part.payload.empty()) return {};
  count_received(part.payload.size());
  Reason why = PST_R_UNKNOWN;
  const std::uint32_t id = stream.id();
  const bool more = !part.last || reader_.goes_on();
  if (stream.deliver(part.payload, more, why)) return {};
  if (mode_ != Mode::kPenstock && why == PST_R_WINDOW_EXCEEDED)
    return out_of_place("more than the window of 4 MiB");
  end_stream(id, why, reader_.position(), true);
  return {};
}

Result<void> FramedCarrier::handle_end(Stream& stream) {
  if (stream.peer_ended_) return out_of_place("that direction has ended before");
  stream.peer_ended();
  return {};
}

Result<void> FramedCarrier::handle_window_update(Stream& stream, Bytes payload) {
  const std::uint32_t grant = load_u32(payload.data());
  if (!stream.send_window_.grant(grant) && mode_ == Mode::kPenstock) {
    return out_of_place("the window grows beyond 16 MiB");
  }
  if (stream.wants_to_send() && stream.attached()) {
    scheduler_.add(stream);
    flush_soon();
  }
  return {};
}

}  // namespace penstock
