#include "tunnel/carrier.h"

#include <algorithm>
#include <array>

#include "proto/proxy_header.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongestTick = 1s;
constexpr Duration kShortestTick = 20ms;
constexpr Duration kCloseTime = 1s;
constexpr Duration kLegacyPing = 15s;
constexpr Duration kLegacyTimeout = 45s;
/// Control frames queued before we stop reading from a peer that causes them faster than it takes them.
constexpr std::size_t kControlPause = 262144;
/// Control frames queued before the carrier is given up: more than the ends of all sessions take that a node
/// may have.
constexpr std::size_t kMostControl = 32 << 20;

}  // namespace

Carrier::Carrier(Loop& loop, std::unique_ptr<Link> link, const CarrierSettings& settings,
                 CarrierObserver& observer, std::string_view greeting, std::vector<std::byte> leftover,
                 std::int64_t quantum)
    : loop_{loop},
      link_{std::move(link)},
      observer_{observer},
      budget_{*settings.budget},
      counters_{*settings.counters},
      ledger_{*settings.ledger},
      nobody_{ledger_.of({}, settings.edge)},
      side_{settings.side},
      mode_{settings.mode},
      ping_{settings.ping},
      timeout_{settings.timeout},
      half_closed_{settings.half_closed},
      ticker_{loop.make_timer([this] { tick(); })},
      leftover_{std::move(leftover)},
      elephants_{settings.elephants},
      scheduler_{settings.sustained_least, quantum},
      now_{loop.now()},
      last_heard_{now_},
      last_ping_{now_ - 3 * ping_every()} {
  control_.assign(as_bytes(greeting).begin(), as_bytes(greeting).end());
}

void Carrier::begin() {
  link_->observe(this);
  ticker_->arm(now_ + std::clamp(ping_ / 4, kShortestTick, kLongestTick));
  post_to_self([this] { on_readable(); });
  flush_soon();
}

void Carrier::unpack(Luggage& luggage) {
  mode_ = Mode::kPenstock;
  first_frame_ = false;
  paused_ = true;
  reader_ = std::move(luggage.reader);
  sent_ = luggage.sent;
  received_ = luggage.received;
}

Carrier::~Carrier() {
  for (auto& [id, stream] : streams_) {
    scheduler_.remove(*stream);
    budget_.give_back(stream->drawn_);
    budget_.leave();
    stream->close_books(PST_R_TUNNEL_LOST);
  }
}

void Carrier::resume() {
  if (std::exchange(paused_, false)) post_to_self([this] { on_readable(); });
}

Carrier::Luggage Carrier::pack() {
  state_ = State::kClosed;
  ticker_->cancel();
  alive_.reset();
  link_->leave();
  const Bytes begun = unsent();
  Luggage luggage{.link = std::move(link_),
                  .reader = std::move(reader_),
                  .unsent = {begun.begin(), begun.end()},
                  .unread = std::move(leftover_),
                  .sent = sent_,
                  .received = received_};
  luggage.unsent.insert(luggage.unsent.end(), control_.begin(), control_.end());
  return luggage;
}

// ---------------------------------------------------------------------------------------------- streams

Result<Stream*> Carrier::open(std::unique_ptr<Link> link, Flow flow) {
  now_ = loop_.now();
  if (!ids_left() || !budget_.admit()) {
    link->reset_on_close();
    ledger_.of(flow.service).refuse_flow(PST_R_WINDOW_BUDGET);
    return error(Errc::kLimit,
                 std::string{ids_left() ? help_of(PST_R_WINDOW_BUDGET) : "all stream ids are used"});
  }
  const auto begun = begin_stream(proxy_v1({.client = flow.client, .local = flow.local}));
  if (!begun) {
    budget_.leave();
    link->reset_on_close();
    ledger_.of(flow.service).refuse_flow(PST_R_WINDOW_BUDGET);
    return begun.error();
  }
  const std::uint32_t id = *begun;
  Stream& stream = *streams_.emplace(id, std::make_unique<Stream>(*this, id, std::move(flow)));
  counters_.flows_opened.add(1);
  stream.enter(ledger_.of(stream.flow().service));
  attach(id, std::move(link), {});
  return &stream;
}

void Carrier::attach(std::uint32_t id, std::unique_ptr<Link> link, Bytes preface) {
  now_ = loop_.now();
  Stream* const stream = find(id);
  if (stream == nullptr) return;
  stream->attach(std::move(link), preface);
  if (Stream* const still = find(id); still != nullptr && still->wants_to_send()) scheduler_.add(*still);
  flush_soon();
}

void Carrier::reset(std::uint32_t stream, Reason reason, const std::string& text) {
  now_ = loop_.now();
  end_stream(stream, reason, text, true);
}

Stream* Carrier::find(std::uint32_t stream) {
  const std::unique_ptr<Stream>* const found = streams_.find(stream);
  return found == nullptr ? nullptr : found->get();
}

void Carrier::for_each(const std::function<void(Stream&)>& visit) {
  std::vector<std::uint32_t> ids;  // a visitor may end streams
  ids.reserve(streams_.size());
  for (const auto& [id, stream] : streams_) ids.push_back(id);
  for (const std::uint32_t id : ids) {
    if (Stream* const stream = find(id)) visit(*stream);
  }
}

void Carrier::stream_is_done(Stream& stream) {
  if (stream.done()) end_stream(stream.id(), PST_R_COMPLETED, {}, false);
}

void Carrier::end_stream(std::uint32_t id, Reason reason, const std::string& text, bool tell_peer) {
  std::unique_ptr<Stream>* const found = streams_.find(id);
  if (found == nullptr) return;
  const std::unique_ptr<Stream> stream = std::move(*found);
  streams_.erase(id);
  scheduler_.remove(*stream);
  if (stream->drawn_ > 0) budget_.give_back(stream->drawn_);
  stream->receive_window_.release();
  budget_.leave();
  if (reason != PST_R_COMPLETED && stream->link_ != nullptr) stream->link_->reset_on_close();
  if (reason != PST_R_COMPLETED && state_ == State::kRunning) abandon(*stream, reason, text, tell_peer);
  stream->settle();
  stream->close_books(reason);
  counters_.count(reason);
  observer_.on_stream_closed(*stream, reason, text);
}

void Carrier::end_all_streams(Reason reason, const std::string& text) {
  for_each([&](Stream& stream) { end_stream(stream.id(), reason, text, false); });
}

void Carrier::source_failed(Stream& stream, const boost::system::error_code& why) {
  const bool edge = side_ == Side::kEdge;
  Reason reason = PST_R_SOCKET_ERROR;
  if (why == boost::system::errc::connection_reset || why == boost::system::errc::broken_pipe) {
    reason = edge ? PST_R_CLIENT_RESET : PST_R_BACKEND_RESET;
  } else if (why == boost::system::errc::timed_out) {
    reason = edge ? PST_R_CLIENT_VANISHED : PST_R_BACKEND_VANISHED;
  }
  end_stream(stream.id(), reason, why.message(), true);
}

// ---------------------------------------------------------------------------------------------- sending

void Carrier::queue_frame(std::uint32_t stream, FrameType type, Bytes payload) {
  if (control_.size() + payload.size() > kMostControl) {
    if (std::exchange(overflowed_, true)) return;
    return post_to_self([this] { close(PST_R_PEER_SILENT, "the peer takes no control frames"); });
  }
  append_frame(control_, stream, type, payload);
  flush_soon();
}

void Carrier::send(FrameType type, Bytes payload) {
  if (state_ == State::kRunning) queue_frame(0, type, payload);
}

void Carrier::send_session(FrameType type, std::uint32_t session, Bytes payload) {
  if (state_ == State::kRunning) queue_frame(session, type, payload);
}

bool Carrier::move_session(std::uint32_t session, Bytes proxy_header) {
  if (state_ != State::kRunning || control_is_full()) return false;
  queue_frame(session, FrameType::kUdpMove, proxy_header);
  return true;
}

void Carrier::acknowledge_session(std::uint32_t session) {
  if (mode_ == Mode::kPenstock) send_session(FrameType::kUdpOpenAck, session, {});
}

void Carrier::end_session(std::uint32_t session, Reason reason, const std::string& text) {
  const bool quiet = reason == PST_R_IDLE_TIMEOUT || reason == PST_R_UNREPLIED;
  if (quiet || mode_ != Mode::kPenstock) return send_session(FrameType::kUdpClose, session, {});
  send_session(FrameType::kReset, session, to_bytes(ResetMessage{.reason = reason, .text = text}));
}

void Carrier::flush_soon() {
  if (flush_posted_ || write_blocked_ || state_ == State::kClosed) return;
  flush_posted_ = true;
  post_to_self([this] { flush(); });
}

void Carrier::on_writable() {
  write_blocked_ = false;
  flush();
}

void Carrier::on_broken(const boost::system::error_code& error) {
  link_failed({.bytes = 0, .status = IoStatus::kFailed, .error = error});
}

void Carrier::go_away(const GoAwayMessage& message) {
  if (mode_ == Mode::kPenstock) send(FrameType::kGoAway, to_bytes(message));
}

bool Carrier::control_is_full() const {
  return control_.size() > kControlPause;
}

void Carrier::control_sent(std::size_t bytes) {
  control_.erase(control_.begin(), control_.begin() + static_cast<std::ptrdiff_t>(bytes));
  if (!reading_paused_ || control_is_full()) return;
  reading_paused_ = false;
  post_to_self([this] { on_readable(); });  // not when readable: the link may have read ahead
}

void Carrier::count_sent(Stream& stream, std::size_t bytes) {
  stream.to_tunnel_ += bytes;
  stream.passed_to_tunnel(bytes);
  stream.active_ = now_;
  (side_ == Side::kEdge ? counters_.bytes_to_backend : counters_.bytes_to_client).add(bytes);
}

// ---------------------------------------------------------------------------------------------- life

Duration Carrier::ping_every() const {
  return mode_ == Mode::kPenstock ? ping_ : std::max(ping_, kLegacyPing);
}
Duration Carrier::give_up_after() const {
  return mode_ == Mode::kPenstock ? timeout_ : std::max(timeout_, kLegacyTimeout);
}

void Carrier::tick() {
  now_ = loop_.now();
  if (state_ == State::kClosing) return finish_closing();
  if (state_ != State::kRunning) return;
  check_peer(now_);
  for_each([&](Stream& stream) { check_stream(stream, now_); });
  check(now_);
  if (state_ == State::kRunning) ticker_->arm(now_ + std::clamp(ping_ / 4, kShortestTick, kLongestTick));
}

void Carrier::check_peer(Time now) {
  const Duration silence = now - last_heard_;
  if (silence >= give_up_after()) {
    close(PST_R_PEER_SILENT,
          "nothing was heard for " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(silence).count()) + " s");
    return finish_closing();  // nobody hears a goodbye
  }
  // Asked when silent; and now and then when busy, so that the round trip stays known.
  const bool due = silence >= ping_every() || mode_ != Mode::kPenstock || rtt_ == Duration{};
  if (now - last_ping_ >= (due ? ping_every() : 3 * ping_every())) ask();
}

void Carrier::ask() {
  if (mode_ != Mode::kPenstock && side_ == Side::kEdge) return;  // a legacy hub does not expect it
  last_ping_ = loop_.now();
  std::array<std::byte, 8> payload{};
  store_u64(payload.data(), ++ping_nonce_);
  send(FrameType::kPing, mode_ == Mode::kPenstock ? Bytes{payload} : Bytes{});
}

void Carrier::check_stream(Stream& stream, Time now) {
  stream.settle();
  const bool waits = stream.place != TieredScheduler::Entry::Place::kNone;
  scheduler_.set_sustained(stream, stream.watch_.look(stream.to_tunnel_, waits, now, elephants_));
  const Duration idle = now - stream.active_;
  if (stream.flow_.idle > Duration{} && idle >= stream.flow_.idle) {
    return end_stream(stream.id(), PST_R_IDLE_TIMEOUT, {}, true);
  }
  if (stream.half_closed() && idle >= half_closed_) {
    end_stream(stream.id(), PST_R_HALF_CLOSED_TIMEOUT, {}, true);
  }
}

void Carrier::close(Reason reason, std::string text) {
  if (state_ != State::kRunning) return;
  state_ = State::kClosing;
  why_closed_ = reason;
  closed_text_ = std::move(text);
  end_all_streams(PST_R_TUNNEL_LOST, std::string{label_of(reason)});
  counters_.count(reason);
  ticker_->arm(loop_.now() + kCloseTime);
  flush_soon();
}

void Carrier::link_failed(const IoResult& result) {
  const bool ended = result.status == IoStatus::kEnd;
  const bool silent = result.error == boost::system::errc::timed_out;  // QUIC's own watch may be the first
  close(silent ? PST_R_PEER_SILENT : PST_R_PEER_CLOSED,
        ended ? "the peer ended the connection" : link_->describe(result.error));
  finish_closing();
}

void Carrier::finish_closing() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  ticker_->cancel();
  drop_datagrams();
  post_to_self([this] { announce_closed(); });
}

void Carrier::announce_closed() {
  observer_.on_carrier_closed(why_closed_, closed_text_);
}

CarrierReport Carrier::report() const {
  return {.rtt = rtt_,
          .sent = sent_,
          .received = received_,
          .streams = streams_.size(),
          .resumed = link_ != nullptr && link_->resumed(),
          .key_updates = link_ == nullptr ? 0 : link_->key_updates(),
          .quic = {}};
}

}  // namespace penstock
