// How a carrier gathers what it sends: control frames, then datagrams and data in turns.
#include <algorithm>

#include "tunnel/framed_carrier.h"

namespace penstock {
namespace {

/// Room that a frame of data is begun in, with a CLOSE that may follow it; or one of a datagram.
constexpr std::size_t kSmallestRoom = 1024;
/// Bytes written before other work of the loop gets its turn.
constexpr std::size_t kTurn = 262144;

}  // namespace

bool FramedCarrier::send_datagram(FrameType type, std::uint32_t session, Bytes payload, LedgerLine& line) {
  if (state_ != State::kRunning || !datagrams_.push(type, session, payload, line)) return false;
  flush_soon();
  return true;
}

bool FramedCarrier::open_session(std::uint32_t session, Bytes proxy_header, Bytes payload, LedgerLine& line) {
  if (state_ != State::kRunning || !datagrams_.push_open(session, proxy_header, payload, line)) return false;
  flush_soon();
  return true;
}

void FramedCarrier::flush() {
  flush_posted_ = false;
  if (state_ == State::kClosed || write_blocked_) return;
  now_ = loop_.now();
  for (std::size_t turn = 0; turn < kTurn;) {
    if (out_begin_ == out_end_) fill();
    if (out_begin_ == out_end_) {
      if (state_ == State::kClosing) link_->finish();
      return;
    }
    const IoResult result = link_->write({out_.get() + out_begin_, out_end_ - out_begin_}, false);
    out_begin_ += result.bytes;
    sent_ += result.bytes;
    turn += result.bytes;
    if (result.status == IoStatus::kFailed) return link_failed(result);
    if (out_begin_ < out_end_) {
      write_blocked_ = true;
      link_->await_writable();
      return;
    }
  }
  flush_soon();
}

/// Gathers what is to be written next: the rest of a frame that was cut, control frames, then datagrams and
/// data in turns.
void FramedCarrier::fill() {
  out_begin_ = out_end_ = 0;
  if (datagrams_.cut()) fill_from_datagrams();
  if (datagrams_.cut()) return;
  fill_from_control();
  if (!control_.empty()) return;  // a frame may have been cut: its rest goes first
  while (out_end_ + kSmallestRoom <= kOutSize) {
    switch (turns_.next(!scheduler_.empty(), !datagrams_.empty())) {
      case SendTurns::Who::kNobody:
        return;
      case SendTurns::Who::kStreams:
        fill_from_streams();
        break;
      case SendTurns::Who::kDatagrams:
        fill_from_datagrams();
        break;
    }
  }
}

void FramedCarrier::fill_from_control() {
  const std::size_t part = std::min(control_.size(), kOutSize - out_end_);
  std::copy_n(control_.begin(), part, out_.get() + out_end_);
  out_end_ += part;
  control_sent(part);
}

void FramedCarrier::fill_from_streams() {
  const std::size_t before = out_end_;
  fill_from(static_cast<Stream&>(*scheduler_.next(now_)));
  turns_.sent(SendTurns::Who::kStreams, out_end_ - before, !datagrams_.empty());
}

/// One datagram, or what there is room for: the rest is cut off, and goes first the next time.
void FramedCarrier::fill_from_datagrams() {
  const std::size_t bytes = datagrams_.take({out_.get() + out_end_, kOutSize - out_end_});
  out_end_ += bytes;
  turns_.sent(SendTurns::Who::kDatagrams, bytes, !scheduler_.empty());
}

void FramedCarrier::append_header(const FrameHeader& header) {
  write_header(header, std::span<std::byte, wire::kHeaderSize>{out_.get() + out_end_, wire::kHeaderSize});
  out_end_ += wire::kHeaderSize;
}

/// Pulls one frame's worth from the stream's link. Its turn may end in debt: a whole frame costs the least.
void FramedCarrier::fill_from(Stream& stream) {
  const std::uint64_t room =
      kOutSize - out_end_ - 2 * wire::kHeaderSize;  // leaves place for a CLOSE behind it
  const auto most = std::min({room, stream.send_window_.credit(), std::uint64_t{wire::kMaxDataSent}});
  const IoResult result = stream.link_->read({out_.get() + out_end_ + wire::kHeaderSize, most});
  if (result.bytes > 0) {
    append_header(
        {.stream = stream.id(), .type = data_type(), .length = static_cast<std::uint32_t>(result.bytes)});
    out_end_ += result.bytes;
    stream.send_window_.spend(result.bytes);
    count_sent(stream, result.bytes);
    scheduler_.charge(stream, result.bytes);
  }
  switch (result.status) {
    case IoStatus::kDone:
      if (result.bytes < most) return source_blocked(stream);
      if (!stream.wants_to_send()) {  // out of credit
        scheduler_.remove(stream);
        stream.link_->await_failure();
      }
      return;
    case IoStatus::kBlocked:
      return source_blocked(stream);
    case IoStatus::kEnd:
      return source_ended(stream);
    case IoStatus::kFailed:
      return source_failed(stream, result.error);
  }
}

void FramedCarrier::source_blocked(Stream& stream) {
  stream.readable_ = false;
  scheduler_.remove(stream);
  stream.link_->await_readable();
}

/// CLOSE follows the last byte: it goes behind the data that is gathered, never before it.
void FramedCarrier::source_ended(Stream& stream) {
  scheduler_.remove(stream);
  stream.source_ended_ = true;
  append_header({.stream = stream.id(), .type = close_type(), .length = 0});
  stream_is_done(stream);
}

}  // namespace penstock
