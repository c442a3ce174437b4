#include "tunnel/quic_link.h"

#include <algorithm>

#include "base/reason.h"
#include "quic/send_buffer.h"

namespace penstock {
namespace {

constexpr QuicStreamId kControl = 0;
/// Bytes of the control stream that an authenticated peer may send ahead: ends and beginnings of sessions
/// come in bursts.
constexpr std::uint64_t kControlWindow = 256 << 10;
/// Bytes of the control stream that wait to be sent or acknowledged.
constexpr std::size_t kMostQueued = 256 << 10;

}  // namespace

QuicLink::QuicLink(Loop& loop, std::unique_ptr<QuicEndpoint> endpoint, const Endpoint& to, std::uint8_t steer,
                   QuicTls& tls, const std::string& server_name)
    : loop_{loop},
      endpoint_{std::move(endpoint)},
      connection_{endpoint_->dial(to, steer, tls, server_name, static_cast<QuicObserver&>(*this))} {}

QuicLink::QuicLink(Loop& loop, std::unique_ptr<QuicConnection> connection)
    : loop_{loop}, connection_{std::move(connection)} {
  connection_->observe(static_cast<QuicObserver*>(this));
}

/// The endpoint may be the one that is calling.
QuicLink::~QuicLink() {
  connection_.reset();
  loop_.post([endpoint = std::move(endpoint_)] {});
}

void QuicLink::carry(QuicFlows* flows) {
  flows_ = flows;
  if (flows == nullptr) return;
  connection_->permit_streams();
  connection_->grant(kControl, kControlWindow);
}

void QuicLink::await_readable() {
  reader_waits_ = true;
  if (has_news()) wake_reader();
}

void QuicLink::await_writable() {
  writer_waits_ = true;
}

void QuicLink::wake_reader() {
  loop_.post([this, alive = std::weak_ptr<bool>{alive_}] {
    if (!alive.expired() && std::exchange(reader_waits_, false)) observer_->on_readable();
  });
}

void QuicLink::wake_writer() {
  if (!writer_waits_) return;
  loop_.post([this, alive = std::weak_ptr<bool>{alive_}] {
    if (!alive.expired() && std::exchange(writer_waits_, false)) observer_->on_writable();
  });
}

IoResult QuicLink::read(MutableBytes into) {
  const Bytes front = inbox_.front();
  if (!front.empty()) {
    const std::size_t bytes = std::min(front.size(), into.size());
    std::copy_n(front.begin(), bytes, into.begin());
    inbox_.consume(bytes);
    if (!failed_) connection_->grant(kControl, bytes);
    return {.bytes = bytes, .status = IoStatus::kDone, .error = {}};
  }
  if (failed_) return {.bytes = 0, .status = IoStatus::kFailed, .error = failed_};
  return {.bytes = 0, .status = ended_ ? IoStatus::kEnd : IoStatus::kBlocked, .error = {}};
}

IoResult QuicLink::write(Bytes from, bool /*more*/) {
  if (failed_) return {.bytes = 0, .status = IoStatus::kFailed, .error = failed_};
  SendBuffer* const buffer = established_ ? connection_->buffer(kControl) : nullptr;
  if (buffer == nullptr) return {.bytes = 0, .status = IoStatus::kBlocked, .error = {}};
  const std::size_t bytes = std::min(from.size(), kMostQueued - std::min(kMostQueued, buffer->size()));
  buffer->append(from.first(bytes));
  if (bytes > 0) send_soon();
  return {.bytes = bytes, .status = bytes < from.size() ? IoStatus::kBlocked : IoStatus::kDone, .error = {}};
}

void QuicLink::send_soon() {
  unsent_ = true;
  connection_->flush_soon();
}

void QuicLink::finish() {
  if (failed_ || connection_->buffer(kControl) == nullptr) return;
  connection_->finish(kControl);
  finishing_ = true;
  send_soon();
}

std::string QuicLink::describe(const boost::system::error_code& error) const {
  return failure_.empty() ? error.message() : failure_;
}

// ---------------------------------------------------------------------------------------------- from QUIC

void QuicLink::on_established() {
  if (!connection_->is_server()) {
    const auto opened = connection_->open_stream();
    if (!opened || *opened != kControl) return on_quic_closed(error(Errc::kProtocol, "no control stream"), 0);
  }
  established_ = true;
  wake_writer();
}

void QuicLink::on_stream_data(QuicStreamId id, Bytes data, bool end) {
  if (id == kControl) {
    if (!data.empty()) inbox_.append(data);
    ended_ = ended_ || end;
    return;
  }
  if (flows_ != nullptr) return flows_->on_stream_data(id, data, end);
  connection_->reset_stream(id, PST_R_PROTOCOL_ERROR);
}

void QuicLink::on_stream_reset(QuicStreamId id, std::uint64_t code) {
  if (id != kControl) {
    if (flows_ != nullptr) flows_->on_stream_reset(id, code);
    return;
  }
  on_quic_closed(error(Errc::kProtocol, "the peer aborted the control stream"), code);
}

void QuicLink::on_stream_credit(QuicStreamId id) {
  if (id == kControl) return send_soon();
  if (flows_ != nullptr) flows_->on_stream_credit(id);
}

void QuicLink::on_stream_acknowledged(QuicStreamId id, std::size_t bytes) {
  if (id == kControl) return wake_writer();
  if (flows_ != nullptr) flows_->on_stream_acknowledged(id, bytes);
}

void QuicLink::on_stream_closed(QuicStreamId id) {
  if (id != kControl && flows_ != nullptr) flows_->on_stream_closed(id);
}

void QuicLink::on_datagram(Bytes datagram) {
  if (flows_ != nullptr) flows_->on_datagram(datagram);
}

/// What came on the control stream goes before what flows wait for.
void QuicLink::on_turn_end() {
  const std::weak_ptr<bool> alive = alive_;
  if (has_news() && std::exchange(reader_waits_, false)) observer_->on_readable();
  if (!alive.expired() && flows_ != nullptr) flows_->on_turn_end();
}

void QuicLink::fill(QuicPacket& packet) {
  while (unsent_) {
    const SendBuffer* const buffer = connection_->buffer(kControl);
    unsent_ = buffer != nullptr && (buffer->unsent_bytes() > 0 || finishing_);
    if (!unsent_) break;
    std::size_t taken = 0;
    const QuicPacket::Outcome outcome = packet.add_stream(kControl, taken);
    if (outcome == QuicPacket::Outcome::kFull) return;
    if (outcome == QuicPacket::Outcome::kGone) finishing_ = false;
    if (outcome != QuicPacket::Outcome::kTaken) break;
  }
  if (flows_ != nullptr) flows_->fill(packet);
}

void QuicLink::on_quic_closed(const Error& error, std::uint64_t code) {
  failed_ = error.code;
  failure_ = error.what;
  if (code > PST_R_COMPLETED && code < PST_R_MAX)
    failure_ += ": " + std::string{label_of(static_cast<Reason>(code))};
  if (std::exchange(reader_waits_, false)) return observer_->on_readable();
  if (std::exchange(writer_waits_, false)) return observer_->on_writable();
  if (std::exchange(failure_waits_, false)) observer_->on_broken(failed_);
}

}  // namespace penstock
