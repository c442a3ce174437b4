// What a carrier does with the frames that arrive.
#include <algorithm>

#include "proto/proxy_header.h"
#include "tunnel/carrier.h"

namespace penstock {
namespace {

constexpr std::size_t kReadSize = 65536;
constexpr std::size_t kReadTurn = 262144;

/// One per thread: what is read is handled at once, so carriers of a worker share it.
MutableBytes scratch() {
  thread_local const std::unique_ptr<std::byte[]> buffer{new std::byte[kReadSize]};
  return {buffer.get(), kReadSize};
}

bool published(FrameType type) {
  return type <= FrameType::kUdpClose;
}

}  // namespace

void Carrier::on_readable() {
  read_turn();
  if (std::exchange(told_of_session_, false)) observer_.on_turn_end();
}

void Carrier::read_turn() {
  now_ = loop_.now();
  if (paused_) return;
  if (!leftover_.empty()) {
    const std::vector<std::byte> first = std::move(leftover_);
    leftover_.clear();
    last_heard_ = now_;
    received_ += first.size();
    consume(first);
  }
  for (std::size_t turn = 0; turn < kReadTurn;) {
    if (state_ == State::kClosed || paused_) return;
    if (control_is_full() && state_ == State::kRunning) {
      reading_paused_ = true;
      return;
    }
    const IoResult result = link_->read(scratch());
    if (result.bytes > 0) {
      last_heard_ = now_;
      received_ += result.bytes;
      turn += result.bytes;
      if (state_ == State::kRunning)
        consume(scratch().first(result.bytes));  // once closing, what comes is dropped
    }
    if (result.status == IoStatus::kBlocked) return link_->await_readable();
    if (result.status != IoStatus::kDone) return link_failed(result);
  }
  post_to_self([this] { on_readable(); });
}

void Carrier::consume(Bytes bytes) {
  reader_.feed(bytes);
  while (state_ == State::kRunning && !paused_) {
    const auto part = reader_.next();
    if (part && !part->has_value()) return;
    const Result<void> handled = part ? handle(**part) : Result<void>{part.error()};
    if (handled) continue;
    go_away({.reason = PST_R_PROTOCOL_ERROR, .text = handled.error().what});
    close(PST_R_PROTOCOL_ERROR, handled.error().what);
  }
  if (!paused_) return;
  const Bytes unread = reader_.take_unread();
  leftover_.assign(unread.begin(), unread.end());
  received_ -= unread.size();  // they come again
}

Result<void> Carrier::out_of_place(std::string_view why) const {
  return error(Errc::kProtocol, reader_.position() + ": " + std::string{why});
}

bool Carrier::belongs_here(FrameType type) const {
  const bool hub = side_ == Side::kHub;
  const bool penstock = mode_ == Mode::kPenstock;
  switch (type) {
    case FrameType::kOpen:
    case FrameType::kData:
    case FrameType::kClose:
    case FrameType::kWindowUpdate:
    case FrameType::kUdpOpen:
    case FrameType::kUdpData:
      return hub;
    case FrameType::kDataBack:
    case FrameType::kCloseBack:
    case FrameType::kWindowUpdateBack:
    case FrameType::kConfig:
    case FrameType::kUdpDataBack:
      return !hub;
    case FrameType::kUdpClose:
      return true;
    case FrameType::kPing:
      return !hub || penstock;
    case FrameType::kPong:
      return hub || penstock;
    case FrameType::kReset:
    case FrameType::kReport:
    case FrameType::kGoAway:
      return penstock;
    case FrameType::kHello:
    case FrameType::kConfigResult:
    case FrameType::kUdpMove:
      return hub && penstock;
    case FrameType::kUdpOpenAck:
      return !hub && penstock;
    default:
      return false;
  }
}

Result<void> Carrier::handle(const FramePart& part) {
  const FrameType type = part.header.type;
  if (std::exchange(first_frame_, false)) {
    if (mode_ == Mode::kUndecided) {
      mode_ = type == FrameType::kHello ? Mode::kPenstock : Mode::kLegacy;
      if (mode_ == Mode::kLegacy) observer_.on_legacy_peer();
    }
  } else if (type == FrameType::kHello) {
    return out_of_place("HELLO must be the first frame");
  }
  if (!belongs_here(type)) {
    return out_of_place(mode_ == Mode::kLegacy && !published(type)
                            ? "this frame needs a HELLO first"
                            : "this frame must not be sent in this direction or was not agreed on");
  }
  if (!travels(type)) return out_of_place("over QUIC this travels in streams and datagrams of its own");
  if (part.header.stream == 0) return handle_tunnel_frame(part);
  if (mode_ != Mode::kPenstock) return is_udp(type) ? handle_session_frame(part) : handle_stream_frame(part);
  const bool session = (part.header.stream & wire::kSessionBit) != 0;
  if (type != FrameType::kReset && session != is_udp(type)) {
    return out_of_place(session ? "that id is a session's" : "that id is a stream's, no session has it");
  }
  return session ? handle_session_frame(part) : handle_stream_frame(part);
}

Result<void> Carrier::handle_session_frame(const FramePart& part) {
  told_of_session_ = true;
  auto taken = observer_.on_session_frame(part.header.type, part.header.stream, part.payload);
  if (!taken) return out_of_place(taken.error().what);
  return {};
}

Result<void> Carrier::handle_tunnel_frame(const FramePart& part) {
  switch (part.header.type) {
    case FrameType::kPing:
      send(FrameType::kPong, part.payload);
      return {};
    case FrameType::kPong:
      handle_pong(part.payload);
      return {};
    case FrameType::kGoAway: {
      auto message = parse_go_away(part.payload);
      if (!message) return out_of_place(message.error().what);
      observer_.on_go_away(*message);
      return {};
    }
    case FrameType::kReport:
      if (side_ == Side::kEdge) return {};  // only edges report
      [[fallthrough]];
    default: {
      auto taken = observer_.on_message(part.header.type, part.payload);
      if (!taken) return out_of_place(taken.error().what);
      return {};
    }
  }
}

void Carrier::handle_pong(Bytes payload) {
  if (payload.size() != 8 || load_u64(payload.data()) != ping_nonce_) return;
  const Duration measured = std::max(now_ - last_ping_, Duration{1});
  rtt_ = rtt_ == Duration{} ? measured : (rtt_ * 7 + measured) / 8;
}

void Carrier::take_open(std::uint32_t id, Bytes line) {
  Flow flow;
  const auto addresses = parse_proxy_v1(as_text(line));
  if (addresses) {
    flow.client = addresses->client;
    flow.local = addresses->local;
  }
  if (!budget_.admit()) {  // there is no memory for its window
    counters_.count(PST_R_WINDOW_BUDGET);
    nobody_.refuse_flow(PST_R_WINDOW_BUDGET);
    return refuse(id, PST_R_WINDOW_BUDGET);
  }
  Stream& stream = *streams_.emplace(id, std::make_unique<Stream>(*this, id, std::move(flow)));
  counters_.flows_opened.add(1);
  if (!addresses) return end_stream(id, PST_R_BAD_OPEN, addresses.error().what, true);
  observer_.on_open(stream);
}

void Carrier::count_late(std::size_t bytes) {
  LedgerLine& line = side_ == Side::kHub ? nobody_.flows_to_backend : nobody_.flows_to_client;
  line.received_bytes.add(bytes);
  line.dropped_bytes.add(bytes);
}

void Carrier::count_received(std::size_t bytes) {
  (side_ == Side::kEdge ? counters_.bytes_to_client : counters_.bytes_to_backend).add(bytes);
}

Result<void> Carrier::handle_reset(Stream& stream, Bytes payload) {
  const auto message = parse_reset(payload);
  if (!message) return out_of_place(message.error().what);
  end_stream(stream.id(), message->reason, message->text, false);
  return {};
}

}  // namespace penstock
