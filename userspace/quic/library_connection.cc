#include "quic/library_connection.h"

#include <gnutls/gnutls.h>

#include <algorithm>
#include <utility>

#include "quic/library_callbacks.h"
#include "quic/packet_filler.h"
#include "quic/quic_handle.h"

namespace penstock {
namespace {

/// Of a DATAGRAM frame alone in a packet: flags, packet number, tag of the cipher, type and length.
constexpr std::size_t kDatagramOverhead = 1 + 4 + 16 + 3;
constexpr std::size_t kCloseText = 200;
constexpr std::uint64_t kCryptoErrors = 0x100;  // and above by the number of TLS's alert
constexpr int kLingering = 3;                   // probe timeouts that a closed connection is remembered

std::string alert_text(std::uint64_t alert) {
  const char* const name = gnutls_alert_get_name(static_cast<gnutls_alert_description_t>(alert));
  return "alert " + std::to_string(alert) + (name == nullptr ? "" : " (" + std::string{name} + ")");
}

ngtcp2_ccerr application_error(std::uint64_t code, const std::string& text) {
  ngtcp2_ccerr out{};
  ngtcp2_ccerr_default(&out);
  ngtcp2_ccerr_set_application_error(&out, code, library_data(as_bytes(text)), text.size());
  return out;
}

}  // namespace

LibraryConnection::~LibraryConnection() {
  if (conn_ != nullptr) ngtcp2_conn_del(conn_);
}

void LibraryConnection::set_handle(QuicHandle* handle) {
  handle_ = handle;
  if (handle == nullptr) observer_ = nullptr;
}

void LibraryConnection::set_retired() {
  retired_ = true;
  if (handle_ != nullptr) std::exchange(handle_, nullptr)->leave();
}

QuicReport LibraryConnection::report() const {
  QuicReport out = counted_;
  ngtcp2_conn_info info{};
  ngtcp2_conn_get_conn_info(conn_, &info);
  const bool measured = info.min_rtt != 0 && info.min_rtt != UINT64_MAX;
  if (measured) out.rtt = std::chrono::nanoseconds{static_cast<std::int64_t>(info.smoothed_rtt)};
  out.congestion_window = info.cwnd;
  out.in_flight = info.bytes_in_flight;
  out.key_updates = std::max(prepared_, 1U) - 1;
  out.packet_size = packet_size();
  out.lost_packets = lost_of_closed_ + lost_datagrams_;
  for (const auto& [id, stream] : streams_) out.lost_packets += ngtcp2_conn_get_stream_loss_count(conn_, id);
  return out;
}

Result<QuicStreamId> LibraryConnection::open_stream() {
  if (!established_ || closing_ || retired_)
    return error(Errc::kUnavailable, "the connection is not established");
  QuicStreamId id = 0;
  const int failed = ngtcp2_conn_open_bidi_stream(conn_, &id, nullptr);
  if (failed == NGTCP2_ERR_STREAM_ID_BLOCKED)
    return error(Errc::kLimit, "the peer permits no more streams for now");
  if (failed != 0) return error(Errc::kUnavailable, ngtcp2_strerror(failed));
  ngtcp2_conn_set_stream_user_data(conn_, id, &streams_[id]);
  return id;
}

SendBuffer* LibraryConnection::buffer(QuicStreamId id) {
  QuicStream* const stream = find(id);
  return stream == nullptr || stream->aborted ? nullptr : &stream->buffer;
}

void LibraryConnection::finish(QuicStreamId id) {
  if (QuicStream* const stream = find(id)) stream->finishing = true;
}

std::uint64_t LibraryConnection::stream_credit(QuicStreamId id) const {
  return ngtcp2_conn_get_max_stream_data_left(conn_, id);
}

std::uint64_t LibraryConnection::bytes_in(Duration span) const {
  ngtcp2_conn_info info{};
  ngtcp2_conn_get_conn_info(conn_, &info);
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(span).count();
  return static_cast<std::uint64_t>(static_cast<double>(info.cwnd) * static_cast<double>(nanoseconds) /
                                    static_cast<double>(std::max<std::uint64_t>(info.smoothed_rtt, 1)));
}

void LibraryConnection::permit_streams() {
  const std::uint64_t more = std::exchange(withheld_streams_, 0);
  if (more == 0) return;
  ngtcp2_conn_extend_max_streams_bidi(conn_, more);
  host_.write_soon(*this);
}

void LibraryConnection::grant(QuicStreamId id, std::uint64_t bytes) {
  if (bytes == 0 || !streams_.contains(id)) return;
  ngtcp2_conn_extend_max_stream_offset(conn_, id, bytes);
  host_.write_soon(*this);
}

/// The library closes a stream within the call at times, which is told only from the loop.
void LibraryConnection::reset_stream(QuicStreamId id, std::uint64_t code) {
  QuicStream* const stream = find(id);
  if (stream == nullptr || std::exchange(stream->aborted, true)) return;
  long_packets_.forget_stream(static_cast<std::uint64_t>(id));
  resets_.push_back({id, code});
  host_.write_soon(*this);
}

/// What is told of within these calls may ask for more of them.
void LibraryConnection::apply_resets() {
  while (!resets_.empty()) {
    for (const auto& reset : std::exchange(resets_, {}))
      ngtcp2_conn_shutdown_stream(conn_, 0, reset.id, reset.code);
  }
}

std::size_t LibraryConnection::packet_size() const {
  const std::size_t found = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_);
  return long_packets_.forbidden(host_.now()) ? std::min(found, LongPackets::kAlways) : found;
}

/// Those beyond packet_size() try whether the path takes more: their loss means nothing.
void LibraryConnection::watch_long(std::size_t size, const PacketFiller& packet) {
  if (size <= LongPackets::kAlways || size > packet_size()) return;
  long_packets_.sent(host_.now(), std::chrono::nanoseconds{ngtcp2_conn_get_pto(conn_)}, packet.witness());
}

std::size_t LibraryConnection::datagram_room() const {
  const ngtcp2_transport_params* const peer = ngtcp2_conn_get_remote_transport_params(conn_);
  if (!established_ || peer == nullptr || peer->max_datagram_frame_size == 0) return 0;
  const std::size_t overhead = kDatagramOverhead + ngtcp2_conn_get_dcid(conn_)->datalen;
  const std::size_t packet = packet_size();
  const std::uint64_t frame = std::max<std::uint64_t>(peer->max_datagram_frame_size, 3) - 3;
  return static_cast<std::size_t>(std::min<std::uint64_t>(packet - std::min(packet, overhead), frame));
}

void LibraryConnection::close(std::uint64_t code, std::string_view text) {
  if (closing_ || retired_) return;
  closing_ = Closing{.code = code, .text = std::string{text.substr(0, kCloseText)}};
  observer_ = nullptr;
  if (!in_library_) end(*closing_);
}

void LibraryConnection::end(const Closing& closing) {
  host_.retire(*this, write_close(application_error(closing.code, closing.text)));
}

bool LibraryConnection::read(Bytes packet, const Endpoint& local, const Endpoint& peer, std::uint8_t ecn) {
  if (closing_ || retired_) return true;
  ++counted_.received_packets;
  counted_.received_bytes += packet.size();
  if (ecn == NGTCP2_ECN_CE) ++counted_.marked_packets;
  const ngtcp2_pkt_info info{.ecn = ecn};
  in_library_ = true;
  const int failed = ngtcp2_conn_read_pkt(conn_, &path_.between(local, peer), &info, library_data(packet),
                                          packet.size(), time());
  in_library_ = false;
  settle(failed);
  return failed != NGTCP2_ERR_RETRY;
}

void LibraryConnection::expire() {
  if (!retired_ && handle_expiry()) host_.write_soon(*this);
}

bool LibraryConnection::handle_expiry() {
  in_library_ = true;
  const int failed = ngtcp2_conn_handle_expiry(conn_, time());
  in_library_ = false;
  return settle(failed);
}

bool LibraryConnection::settle(int library_error) {
  if (!closing_ && library_error == 0) tell_established();
  if (retired_) return false;
  if (closing_) {
    end(*closing_);
    return false;
  }
  if (library_error != 0) {
    fail(library_error);
    return false;
  }
  return true;
}

void LibraryConnection::tell_established() {
  if (!established_ || std::exchange(established_told_, true)) return;
  if (QuicObserver* const told = listener()) told->on_established();
}

void LibraryConnection::tell_turn_end() {
  if (retired_) return;
  follow_peer();
  if (QuicObserver* const told = listener(); told != nullptr && established_told_) told->on_turn_end();
}

void LibraryConnection::tell_local(const Endpoint& local) {
  if (handle_ != nullptr) handle_->set_local(local);
}

void LibraryConnection::follow_peer() {
  const Endpoint now = endpoint_of(ngtcp2_conn_get_path(conn_)->remote);
  if (now == peer_) return;
  peer_ = now;
  if (handle_ != nullptr) handle_->set_peer(now);
}

/// RFC 9001, 6: one side is enough, the other answers with new keys of its own. Where it cannot be now,
/// later.
void LibraryConnection::renew_keys() {
  if (ngtcp2_conn_is_server(conn_) != 0 || !established_) return;
  if (renewed_ == Time{}) renewed_ = host_.now();
  if (host_.now() - renewed_ < host_.settings().rekey) return;
  if (ngtcp2_conn_initiate_key_update(conn_, time()) == 0) renewed_ = host_.now();
}

/// The pacer hears of what a turn sent when the next one begins. Told at once it would have us woken after
/// its pause although nothing waits, thousands of times a second, and where we do nothing but acknowledge.
bool LibraryConnection::pace() {
  if (!unpaced_since_) return true;
  ngtcp2_conn_update_pkt_tx_time(conn_, library_time(*std::exchange(unpaced_since_, std::nullopt)));
  return handle_expiry();  // which forgets a pause that is over
}

bool LibraryConnection::write() {
  if (retired_ || !pace()) return false;
  PacketBatch& batch = host_.batch();
  in_library_ = true;
  apply_resets();
  renew_keys();
  // No more than one run: the system would take a packet behind it by itself.
  const std::size_t run = std::min(ngtcp2_conn_get_send_quantum(conn_), kLongestRun - packet_size());
  const std::size_t most = std::min(ngtcp2_conn_get_max_tx_udp_payload_size(conn_), PacketBatch::kLongest);
  PacketFiller packet{*this, time(), run};
  ngtcp2_ssize size = 1;  // anything: the run ends before all is written
  const std::uint64_t before = counted_.sent_packets;
  while (!packet.run_is_over()) {
    const MutableBytes into = batch.room();
    if (batch.is_congested()) break;
    packet.begin(into.first(long_packets_.forbidden(host_.now()) ? LongPackets::kAlways : most));
    if (QuicObserver* const owner = listener(); owner != nullptr && established_told_) owner->fill(packet);
    size = packet.finish();
    if (size <= 0) break;
    ++counted_.sent_packets;
    counted_.sent_bytes += static_cast<std::size_t>(size);
    watch_long(static_cast<std::size_t>(size), packet);
    batch.add(static_cast<std::size_t>(size), endpoint_of(packet.path().remote),
              endpoint_of(packet.path().local).address, packet.ecn());
  }
  if (counted_.sent_packets > before) unpaced_since_ = host_.now();
  in_library_ = false;
  // A run may be over with nothing in its last packet, and more to be said.
  return settle(size < 0 ? static_cast<int>(size) : 0) && (size != 0 || packet.run_is_over());
}

/// Tells the peer, unless it knows, or there is nobody to tell.
void LibraryConnection::fail(int library_error) {
  std::uint64_t code = 0;
  const Error why = explain(library_error, code);
  fail_with(why, code, remains_of(library_error));
}

void LibraryConnection::fail_with(const Error& why, std::uint64_t code, ConnectionRemains remains) {
  QuicObserver* const told = std::exchange(observer_, nullptr);
  host_.retire(*this, std::move(remains));
  if (told != nullptr) told->on_quic_closed(why, code);
}

ConnectionRemains LibraryConnection::remains_of(int library_error) {
  ngtcp2_ccerr why{};
  ngtcp2_ccerr_default(&why);
  switch (library_error) {
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_IDLE_CLOSE:
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    case NGTCP2_ERR_RETRY:
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      return {.ids = ids_, .answer = {}, .until = Time{}};
    case NGTCP2_ERR_DRAINING:
    case NGTCP2_ERR_CLOSING: {
      const auto linger = std::chrono::nanoseconds{kLingering * ngtcp2_conn_get_pto(conn_)};
      return {.ids = ids_, .answer = {}, .until = host_.now() + linger};
    }
    case NGTCP2_ERR_CRYPTO:
      ngtcp2_ccerr_set_tls_alert(&why, ngtcp2_conn_get_tls_alert(conn_), nullptr, 0);
      return write_close(why);
    default:
      ngtcp2_ccerr_set_liberr(&why, library_error, nullptr, 0);
      return write_close(why);
  }
}

ConnectionRemains LibraryConnection::write_close(const ngtcp2_ccerr& why) {
  ConnectionRemains out{.ids = ids_, .answer = {}, .until = Time{}};
  PacketBatch& batch = host_.batch();
  const MutableBytes into = batch.room();
  ngtcp2_path_storage path{};
  ngtcp2_path_storage_zero(&path);
  ngtcp2_pkt_info info{};
  const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(
      conn_, &path.path, &info, library_data(into),
      std::min(ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_), into.size()), &why, time());
  if (size <= 0) return out;
  const auto bytes = static_cast<std::size_t>(size);
  batch.add(bytes, endpoint_of(path.path.remote), endpoint_of(path.path.local).address, 0);
  out.answer.assign(into.begin(), into.begin() + size);
  out.until = host_.now() + std::chrono::nanoseconds{kLingering * ngtcp2_conn_get_pto(conn_)};
  return out;
}

Error LibraryConnection::explain(int library_error, std::uint64_t& code) const {
  switch (library_error) {
    case NGTCP2_ERR_IDLE_CLOSE:
      return {make_error_code(boost::system::errc::timed_out), "the peer is silent"};
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      return error(Errc::kUnavailable, "the peer does not answer");
    case NGTCP2_ERR_RETRY:
    case NGTCP2_ERR_DROP_CONN:
      return error(Errc::kUnavailable, "the peer did not begin a connection");
    case NGTCP2_ERR_CRYPTO:
      if (std::string why = session_->why_refused(); !why.empty())
        return error(Errc::kRefused, std::move(why)).within("the hub is not trusted");
      return error(Errc::kProtocol, "TLS failed with " + alert_text(ngtcp2_conn_get_tls_alert(conn_)));
    case NGTCP2_ERR_DRAINING:
      break;
    default:
      return error(Errc::kProtocol, ngtcp2_strerror(library_error));
  }
  if (counted_.forgotten) return error(Errc::kUnavailable, "the peer knows nothing of the connection");
  const ngtcp2_ccerr why = close_of_peer(conn_);
  std::string text{as_text(library_bytes(why.reason, std::min(why.reasonlen, kCloseText)))};
  if (why.type == NGTCP2_CCERR_TYPE_APPLICATION) {
    code = why.error_code;
    return error(Errc::kUnavailable, text.empty() ? "the peer closed the connection" : std::move(text));
  }
  if (why.error_code >= kCryptoErrors && why.error_code <= kCryptoErrors + 255)
    return error(Errc::kProtocol,
                 "TLS failed at the peer with " + alert_text(why.error_code - kCryptoErrors));
  const bool polite = why.error_code == NGTCP2_NO_ERROR || why.error_code == NGTCP2_CONNECTION_REFUSED ||
                      why.error_code == NGTCP2_APPLICATION_ERROR;
  return error(polite ? Errc::kUnavailable : Errc::kProtocol,
               "the peer closed the connection with QUIC error " + std::to_string(why.error_code) +
                   (text.empty() ? "" : " ") + text);
}

}  // namespace penstock
