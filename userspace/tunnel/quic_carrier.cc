// What a carrier of QUIC does with what arrives, and how it begins and ends streams.
#include "tunnel/quic_carrier.h"

#include <algorithm>

#include "base/block_size.h"
#include "net/udp_socket.h"
#include "quic/send_buffer.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

/// A turn of a stream: what the path takes in this time, so that nobody waits long where it is slow.
constexpr Duration kTurnTime = 1ms;
constexpr std::uint64_t kLeastTurn = 4 << 10;
/// What a run of packets carries: the other end's link takes it as one piece.
constexpr std::uint64_t kMostTurn = BlockSize::kLargest;
static_assert(kMostTurn < kLongestRun);
/// Bytes of the peer's streams that have not said what they are, or bring long datagrams.
constexpr std::size_t kMostIncoming = 1 << 20;
constexpr Duration kIncomingTime = 10s;
/// Bytes of datagrams that came before the hub had placed the carrier.
constexpr std::size_t kMostEarly = 64 << 10;

/// What a peer gave as the reason of a stream's end.
Reason reason_of(std::uint64_t code) {
  return code < PST_R_MAX ? reason_from_wire(static_cast<std::uint16_t>(code)) : PST_R_UNKNOWN;
}

}  // namespace

QuicCarrier::QuicCarrier(Loop& loop, std::unique_ptr<Link> link, QuicLink& quic,
                         const CarrierSettings& settings, CarrierObserver& observer,
                         std::string_view greeting, std::vector<std::byte> leftover)
    : Carrier{loop, std::move(link), settings, observer, greeting, std::move(leftover), kMostTurn},
      quic_{quic},
      connection_{quic.connection()},
      held_{settings.side == Side::kHub},
      datagrams_{settings.datagram_queue} {
  quic_.carry(static_cast<QuicFlows*>(this));
  begin();
}

QuicCarrier::~QuicCarrier() {
  quic_.carry(nullptr);
}

/// Acknowledgements alone are no sign of life: a peer that reads nothing sends them too. Nor is anything, of
/// one that leaves our control frames where they are: without them the tunnel does not go on.
void QuicCarrier::heard() {
  now_ = loop_.now();
  if (!control_is_full()) last_heard_ = now_;
}

void QuicCarrier::resume() {
  Carrier::resume();
  if (held_) post_to_self([this] { release(); });
}

/// What came meanwhile is told as if it came now.
void QuicCarrier::release() {
  if (!std::exchange(held_, false)) return;
  now_ = loop_.now();
  std::vector<QuicStreamId> streams;
  for (const auto& [id, _] : incoming_) streams.push_back(id);
  for (const QuicStreamId id : streams) {
    if (state_ == State::kRunning) settle_incoming(id);
  }
  for (const auto& datagram : std::exchange(early_, {})) take_datagram(datagram);
  on_turn_end();
}

CarrierReport QuicCarrier::report() const {
  CarrierReport report = Carrier::report();
  report.quic = connection_.report();
  if (report.quic->rtt > Duration{}) report.rtt = report.quic->rtt;
  report.sent = report.quic->sent_bytes;
  report.received = report.quic->received_bytes;
  return report;
}

bool QuicCarrier::travels(FrameType type) const {
  switch (type) {
    case FrameType::kOpen:
    case FrameType::kData:
    case FrameType::kDataBack:
    case FrameType::kClose:
    case FrameType::kCloseBack:
    case FrameType::kWindowUpdate:
    case FrameType::kWindowUpdateBack:
    case FrameType::kUdpOpen:
    case FrameType::kUdpData:
    case FrameType::kUdpDataBack:
      return false;
    default:
      return true;
  }
}

// ---------------------------------------------------------------------------------------------- streams

Result<std::uint32_t> QuicCarrier::begin_stream(std::string_view line) {
  const auto opened = connection_.open_stream();
  if (!opened) return opened.error();
  last_stream_ = id_of(*opened);
  const std::string open = quic_open(line);
  connection_.buffer(*opened)->append(as_bytes(open));
  buffered_ += open.size();
  return last_stream_;
}

/// It is QUIC that knows.
SendWindow QuicCarrier::send_window() const {
  return {kMaxWindow, kMaxWindow};
}

void QuicCarrier::grant(Stream& stream, std::uint32_t bytes) {
  connection_.grant(quic_id(stream.id()), bytes);
}

/// The frame goes ahead and tells the text; the reset of the stream tells the reason, should it overtake.
void QuicCarrier::abandon(Stream& stream, Reason reason, const std::string& text, bool tell_peer) {
  const QuicStreamId id = quic_id(stream.id());
  if (tell_peer)
    queue_frame(stream.id(), FrameType::kReset, to_bytes(ResetMessage{.reason = reason, .text = text}));
  forget_buffered(id);
  connection_.reset_stream(id, reason);
}

void QuicCarrier::refuse(std::uint32_t id, Reason reason) {
  connection_.reset_stream(quic_id(id), reason);
}

/// A RESET alone. Nothing orders it with its stream: where it finds none, QUIC's own reset came first and
/// told all but the text.
Result<void> QuicCarrier::handle_stream_frame(const FramePart& part) {
  if (Stream* const stream = find(part.header.stream)) return handle_reset(*stream, part.payload);
  return {};
}

void QuicCarrier::on_stream_data(QuicStreamId id, Bytes data, bool end) {
  heard();
  if (state_ != State::kRunning) return;
  if (Stream* const stream = is_edges(id) ? find(id_of(id)) : nullptr)
    return take_stream_data(*stream, data, end);
  if (is_edges(id) == (side_ == Side::kHub)) return take_incoming(id, data, end);
  if (data.empty()) return;
  counters_.count(PST_R_LATE_FRAME);
  count_late(data.size());
}

void QuicCarrier::take_stream_data(Stream& stream, Bytes data, bool end) {
  if (!data.empty()) {
    count_received(data.size());
    if (stream.queue_.empty()) touched_.push_back(stream.id());
    Reason why = PST_R_UNKNOWN;
    if (!stream.gather(data, why)) return end_stream(stream.id(), why, {}, true);
  }
  if (end) stream.peer_ended();
}

void QuicCarrier::on_stream_reset(QuicStreamId id, std::uint64_t code) {
  if (is_edges(id) && find(id_of(id)) != nullptr) reset_[id_of(id)] = code;
}

void QuicCarrier::end_reset_streams() {
  for (const auto& [id, code] : std::exchange(reset_, {})) end_stream(id, reason_of(code), {}, false);
}

void QuicCarrier::on_stream_closed(QuicStreamId id) {
  if (const auto at = incoming_.find(id); at != incoming_.end()) {
    incoming_bytes_ -= at->second.bytes.size();
    incoming_.erase(at);
  }
  forget_outgoing(id);
  forget_buffered(id);
  Stream* const stream = is_edges(id) ? find(id_of(id)) : nullptr;
  if (stream != nullptr && stream->source_read_ && !reset_.contains(id_of(id))) source_ended(*stream);
}

// ---------------------------------------------------------------------------------------------- incoming

void QuicCarrier::take_incoming(QuicStreamId id, Bytes data, bool end) {
  Incoming& incoming = incoming_.try_emplace(id, Incoming{.bytes = {}, .since = now_}).first->second;
  if (incoming_bytes_ + data.size() > kMostIncoming) return refuse_incoming(id, PST_R_WINDOW_BUDGET);
  incoming.bytes.insert(incoming.bytes.end(), data.begin(), data.end());
  incoming.ended = incoming.ended || end;
  incoming_bytes_ += data.size();
  if (!held_) settle_incoming(id);
}

void QuicCarrier::settle_incoming(QuicStreamId id) {
  Incoming& incoming = incoming_.at(id);
  if (incoming.bytes.empty() && !incoming.ended) return;
  const auto type = incoming.bytes.empty() ? FrameType{} : static_cast<FrameType>(incoming.bytes.front());
  if (type == FrameType::kOpen && side_ == Side::kHub) return begin_flow(id, incoming);
  if (type != FrameType::kUdpData) return refuse_incoming(id, PST_R_PROTOCOL_ERROR);
  if (incoming.bytes.size() > 1 + wire::kMaxQuicDatagram) return refuse_incoming(id, PST_R_TOO_LARGE);
  connection_.grant(id, incoming.bytes.size() - std::exchange(incoming.granted, incoming.bytes.size()));
  if (!incoming.ended) return;
  const auto done = incoming_.extract(id);
  incoming_bytes_ -= done.mapped().bytes.size();
  connection_.finish(id);
  outgoing_.push_back({.id = id, .bytes = 0});
  flush_soon();
  take_datagram(Bytes{done.mapped().bytes}.subspan(1));
}

void QuicCarrier::begin_flow(QuicStreamId id, Incoming& incoming) {
  if (incoming.bytes.size() < wire::kQuicOpenHead) {
    if (incoming.ended) refuse_incoming(id, PST_R_BAD_OPEN);
    return;
  }
  const std::size_t length = wire::kQuicOpenHead + load_u16(incoming.bytes.data() + 1);
  if (length > wire::kQuicOpenHead + wire::kMaxOpen) return refuse_incoming(id, PST_R_BAD_OPEN);
  if (incoming.bytes.size() < length) {
    if (incoming.ended) refuse_incoming(id, PST_R_BAD_OPEN);
    return;
  }
  const auto known = incoming_.extract(id);
  const Bytes bytes = known.mapped().bytes;
  incoming_bytes_ -= bytes.size();
  connection_.grant(id, length);
  take_open(id_of(id), bytes.subspan(wire::kQuicOpenHead, length - wire::kQuicOpenHead));
  if (Stream* const stream = find(id_of(id)))
    take_stream_data(*stream, bytes.subspan(length), known.mapped().ended);
}

void QuicCarrier::refuse_incoming(QuicStreamId id, Reason reason) {
  if (const auto known = incoming_.extract(id); !known.empty())
    incoming_bytes_ -= known.mapped().bytes.size();
  counters_.count(reason);
  connection_.reset_stream(id, reason);
}

void QuicCarrier::check(Time now) {
  std::vector<QuicStreamId> silent;
  for (const auto& [id, incoming] : incoming_) {
    if (now - incoming.since > kIncomingTime) silent.push_back(id);
  }
  for (const QuicStreamId id : silent) refuse_incoming(id, PST_R_BAD_OPEN);
}

// ---------------------------------------------------------------------------------------------- datagrams

void QuicCarrier::on_datagram(Bytes datagram) {
  heard();
  if (state_ != State::kRunning) return;
  if (!held_) return take_datagram(datagram);
  if (datagram.size() < wire::kQuicDatagramHead) return drop(PST_R_MALFORMED, datagram.size());
  if (early_bytes_ + datagram.size() > kMostEarly) return;  // as if it were lost on its way
  early_bytes_ += datagram.size();
  early_.emplace_back(datagram.begin(), datagram.end());
}

void QuicCarrier::take_datagram(Bytes bytes) {
  auto datagram = parse_quic_datagram(bytes);
  if (datagram && datagram->type == wire::QuicDatagramType::kFragment) {
    const auto fragment = parse_quic_fragment(datagram->rest);
    if (!fragment) return drop(PST_R_MALFORMED, bytes.size());
    const Bytes whole = assembler_.take(datagram->session, *fragment, now_);
    if (whole.empty()) return;
    datagram = parse_quic_datagram(whole);
  }
  const bool opens = datagram && datagram->type == wire::QuicDatagramType::kOpen;
  if (!datagram || datagram->type == wire::QuicDatagramType::kFragment || (opens && side_ == Side::kEdge))
    return drop(PST_R_MALFORMED, bytes.size());
  if (opens && control_is_full())
    return drop(PST_R_QUEUE_FULL, datagram->rest.size());  // nor would its answer leave
  if (opens) take_session_frame(FrameType::kUdpOpen, datagram->session, datagram->proxy_header);
  take_session_frame(side_ == Side::kHub ? FrameType::kUdpData : FrameType::kUdpDataBack, datagram->session,
                     datagram->rest);
}

void QuicCarrier::drop(Reason reason, std::size_t bytes) {
  LedgerLine& line = side_ == Side::kHub ? nobody_.to_backend : nobody_.to_client;
  line.receive(bytes);
  line.drop(reason, bytes);
  counters_.count(reason);
}

void QuicCarrier::take_session_frame(FrameType type, std::uint32_t session, Bytes payload) {
  if (state_ != State::kRunning) return;
  told_of_session_ = true;
  const auto taken = observer_.on_session_frame(type, session, payload);
  if (taken) return;
  go_away({.reason = PST_R_PROTOCOL_ERROR, .text = taken.error().what});
  close(PST_R_PROTOCOL_ERROR, taken.error().what);
}

/// Acknowledgements have told of the path.
void QuicCarrier::adapt_turns() {
  const std::uint64_t turn = std::clamp(connection_.bytes_in(kTurnTime), kLeastTurn, kMostTurn);
  scheduler_.set_quantum(static_cast<std::int64_t>(turn));
}

/// What one batch of packets brought for a stream goes into its link together.
void QuicCarrier::on_turn_end() {
  now_ = loop_.now();
  draining_.swap(touched_);
  for (const std::uint32_t id : draining_) {
    Stream* const stream = find(id);
    if (stream != nullptr && stream->attached()) stream->drain_queue();
  }
  draining_.clear();
  end_reset_streams();
  adapt_turns();
  if (std::exchange(told_of_session_, false)) observer_.on_turn_end();
}

}  // namespace penstock
