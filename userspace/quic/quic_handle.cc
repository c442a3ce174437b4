#include "quic/quic_handle.h"

#include "quic/library_connection.h"

namespace penstock {

QuicHandle::QuicHandle(LibraryConnection& connection, const Endpoint& peer, const Endpoint& local,
                       bool server)
    : connection_{&connection}, peer_{peer}, local_{local}, server_{server} {
  connection.set_handle(this);
}

QuicHandle::~QuicHandle() {
  if (connection_ == nullptr) return;
  connection_->set_handle(nullptr);
  connection_->close(0, {});
}

void QuicHandle::leave() {
  last_ = connection_->report();
  cipher_ = connection_->cipher();
  connection_ = nullptr;
}

void QuicHandle::observe(QuicObserver* observer) {
  if (connection_ != nullptr) connection_->observe(observer);
}

std::string QuicHandle::cipher() const {
  return connection_ != nullptr ? connection_->cipher() : cipher_;
}

QuicReport QuicHandle::report() const {
  return connection_ != nullptr ? connection_->report() : last_;
}

Result<QuicStreamId> QuicHandle::open_stream() {
  if (connection_ == nullptr) return error(Errc::kUnavailable, "the connection has ended");
  return connection_->open_stream();
}

SendBuffer* QuicHandle::buffer(QuicStreamId id) {
  return connection_ != nullptr ? connection_->buffer(id) : nullptr;
}

void QuicHandle::finish(QuicStreamId id) {
  if (connection_ != nullptr) connection_->finish(id);
}

std::uint64_t QuicHandle::stream_credit(QuicStreamId id) const {
  return connection_ != nullptr ? connection_->stream_credit(id) : 0;
}

void QuicHandle::permit_streams() {
  if (connection_ != nullptr) connection_->permit_streams();
}

void QuicHandle::grant(QuicStreamId id, std::uint64_t bytes) {
  if (connection_ != nullptr) connection_->grant(id, bytes);
}

void QuicHandle::reset_stream(QuicStreamId id, std::uint64_t code) {
  if (connection_ != nullptr) connection_->reset_stream(id, code);
}

std::uint64_t QuicHandle::bytes_in(Duration span) const {
  return connection_ != nullptr ? connection_->bytes_in(span) : 0;
}

std::size_t QuicHandle::datagram_room() const {
  return connection_ != nullptr ? connection_->datagram_room() : 0;
}

void QuicHandle::flush_soon() {
  if (connection_ != nullptr) connection_->flush_soon();
}

void QuicHandle::close(std::uint64_t code, std::string_view text) {
  if (connection_ != nullptr) connection_->close(code, text);
}

}  // namespace penstock
