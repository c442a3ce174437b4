// How a carrier of QUIC fills packets: datagrams and streams in turns, behind the control stream.
#include <algorithm>

#include "quic/send_buffer.h"
#include "tunnel/quic_carrier.h"

namespace penstock {
namespace {

/// Bytes of streams under way or waiting, over all streams: more than any path holds at a time.
constexpr std::size_t kMostBuffered = 64 << 20;
/// Bytes of long datagrams in streams of their own that are not sent yet.
constexpr std::size_t kMostOutgoing = 1 << 20;
/// The least that is read from a source at a time: a packet's worth.
constexpr std::size_t kLeastRead = 1452;

}  // namespace

/// Where control frames wait for the peer, the others do not wait for them.
void QuicCarrier::flush() {
  flush_posted_ = false;
  if (state_ == State::kClosed) return;
  now_ = loop_.now();
  if (!scheduler_.empty() || datagrams_wait()) connection_.flush_soon();
  while (!control_.empty()) {
    const IoResult result = link_->write(control_, false);
    control_sent(result.bytes);
    if (result.status == IoStatus::kFailed) return link_failed(result);
    if (control_.empty()) break;
    return link_->await_writable();
  }
  if (state_ == State::kClosing) link_->finish();
}

void QuicCarrier::fill(QuicPacket& packet) {
  now_ = loop_.now();
  bool room = state_ == State::kRunning;
  while (room) {
    switch (turns_.next(!scheduler_.empty(), datagrams_wait())) {
      case SendTurns::Who::kNobody:
        room = false;
        break;
      case SendTurns::Who::kStreams:
        room = fill_from_streams(packet);
        break;
      case SendTurns::Who::kDatagrams:
        room = fill_from_datagrams(packet);
        break;
    }
  }
  if (!failed_.empty()) post_to_self([this] { end_failed_streams(); });
}

// ---------------------------------------------------------------------------------------------- streams

/// False when nothing more goes into this packet.
bool QuicCarrier::fill_from_streams(QuicPacket& packet) {
  Stream& stream = static_cast<Stream&>(*scheduler_.next(now_));
  const QuicStreamId id = quic_id(stream.id());
  if (std::exchange(turn_of_, id) != id && !packet.begin_turn()) return false;
  SendBuffer* const buffer = connection_.buffer(id);
  if (buffer == nullptr) {
    scheduler_.remove(stream);
    if (stream.source_read_) source_ended(stream);
    return true;
  }
  if (buffer->unsent_bytes() == 0) pull(stream, *buffer);
  if (buffer->unsent_bytes() == 0 && !stream.source_read_) {
    scheduler_.remove(stream);
    if (stream.readable_) stream.link_->await_failure();  // until the peer permits more
    return true;
  }
  std::size_t taken = 0;
  const QuicPacket::Outcome outcome = packet.add_stream(id, taken);
  scheduler_.charge(stream, taken);
  turns_.sent(SendTurns::Who::kStreams, taken, datagrams_wait());
  switch (outcome) {
    case QuicPacket::Outcome::kTaken:
      return true;
    case QuicPacket::Outcome::kFull:
      return false;
    case QuicPacket::Outcome::kBlocked:
      scheduler_.remove(stream);
      if (!stream.source_read_) stream.link_->await_failure();
      return true;
    case QuicPacket::Outcome::kGone:  // or the peer wants nothing more: then its reason comes
      scheduler_.remove(stream);
      if (stream.source_read_ && buffer->unsent_bytes() == 0) source_ended(stream);
      return true;
  }
  return false;
}

/// Reads from the stream's source what the peer permits and the stream's turn takes: what waited for its next
/// turn would have left the processor's cache by then.
void QuicCarrier::pull(Stream& stream, SendBuffer& buffer) {
  if (!stream.readable_ || stream.source_read_) return;
  if (buffered_ >= kMostBuffered) {
    starved_ = true;
    return;
  }
  const std::uint64_t credit = connection_.stream_credit(quic_id(stream.id()));
  if (credit == 0) return;
  const std::size_t turn = std::max(SendScheduler::left_of_turn(stream), kLeastRead);
  const MutableBytes room = buffer.room(kLeastRead);
  const std::size_t most = std::min<std::uint64_t>({room.size(), turn, credit});
  const IoResult result = stream.link_->read(room.first(most));
  if (result.bytes > 0) {
    buffer.commit(result.bytes);
    buffered_ += result.bytes;
    count_sent(stream, result.bytes);
  }
  switch (result.status) {
    case IoStatus::kDone:
      if (result.bytes == most) return;
      [[fallthrough]];
    case IoStatus::kBlocked:
      stream.readable_ = false;
      return stream.link_->await_readable();
    case IoStatus::kEnd:
      stream.source_read_ = true;
      return connection_.finish(quic_id(stream.id()));
    case IoStatus::kFailed:
      stream.readable_ = false;
      failed_.emplace_back(stream.id(), result.error);
      return;
  }
}

/// The end of our direction was sent.
void QuicCarrier::source_ended(Stream& stream) {
  scheduler_.remove(stream);
  if (std::exchange(stream.source_ended_, true)) return;
  stream_is_done(stream);
}

void QuicCarrier::end_failed_streams() {
  now_ = loop_.now();
  for (const auto& [id, error] : std::exchange(failed_, {})) {
    if (Stream* const stream = find(id)) source_failed(*stream, error);
  }
}

void QuicCarrier::on_stream_credit(QuicStreamId id) {
  heard();
  if (Stream* const stream = is_edges(id) ? find(id_of(id)) : nullptr;
      stream != nullptr && stream->attached())
    scheduler_.add(*stream);
  const auto out =
      std::find_if(blocked_.begin(), blocked_.end(), [&](const auto& held) { return held.id == id; });
  if (out != blocked_.end()) {
    outgoing_.push_back(*out);
    blocked_.erase(out);
  }
  flush_soon();
}

/// What is in the stream's buffer goes nowhere any more.
void QuicCarrier::forget_buffered(QuicStreamId id) {
  if (const SendBuffer* const buffer = connection_.buffer(id)) on_stream_acknowledged(id, buffer->size());
}

void QuicCarrier::on_stream_acknowledged(QuicStreamId /*id*/, std::size_t bytes) {
  buffered_ -= std::min(buffered_, bytes);
  if (!starved_ || buffered_ > kMostBuffered / 2) return;
  starved_ = false;
  for (const auto& [_, stream] : streams_) {
    if (stream->attached() && stream->readable_) scheduler_.add(*stream);
  }
  flush_soon();
}

// ---------------------------------------------------------------------------------------------- datagrams

bool QuicCarrier::send_datagram(FrameType /*type*/, std::uint32_t session, Bytes payload, LedgerLine& line) {
  return queue_datagram(wire::QuicDatagramType::kData, session, {}, payload, line);
}

bool QuicCarrier::open_session(std::uint32_t session, Bytes proxy_header, Bytes payload, LedgerLine& line) {
  return queue_datagram(wire::QuicDatagramType::kOpen, session, proxy_header, payload, line);
}

bool QuicCarrier::queue_datagram(wire::QuicDatagramType type, std::uint32_t session, Bytes proxy_header,
                                 Bytes payload, LedgerLine& line) {
  if (state_ != State::kRunning || payload.size() > wire::kMaxDatagram) return false;
  const QuicDatagramHead head = quic_datagram_head(type, session);
  const std::size_t size = head.size() + proxy_header.size() + payload.size();
  const std::size_t room = connection_.datagram_room();
  const bool queued = size <= fragments_room(room) ? datagrams_.push_bare(head, proxy_header, payload, line)
                                                   : send_on_stream(head, proxy_header, payload, line);
  if (queued) flush_soon();
  return queued;
}

/// Too long even for fragments. It counts as sent once the stream has it.
bool QuicCarrier::send_on_stream(Bytes head, Bytes proxy_header, Bytes payload, LedgerLine& line) {
  const std::size_t bytes = 1 + head.size() + proxy_header.size() + payload.size();
  if (outgoing_bytes_ + bytes > kMostOutgoing) return false;
  const auto opened = connection_.open_stream();
  if (!opened) return false;
  if (side_ == Side::kEdge) last_stream_ = id_of(*opened);
  SendBuffer& buffer = *connection_.buffer(*opened);
  const std::byte type{static_cast<std::uint8_t>(FrameType::kUdpData)};
  buffer.append({&type, 1});
  buffer.append(head);
  buffer.append(proxy_header);
  buffer.append(payload);
  connection_.finish(*opened);
  buffered_ += bytes;
  outgoing_bytes_ += bytes;
  outgoing_.push_back({.id = *opened, .bytes = bytes});
  line.hold(payload.size());
  line.release(payload.size());
  line.send(payload.size());
  return true;
}

bool QuicCarrier::fill_from_datagrams(QuicPacket& packet) {
  if (pending_.empty() && datagrams_.empty()) return fill_from_outgoing(packet);
  if (pending_.empty()) {
    pending_.resize(datagrams_.next_size());
    datagrams_.take(pending_);
  }
  const std::size_t room = connection_.datagram_room();
  if (fragment_count_ > 0 || pending_.size() > room) return fill_fragment(packet, room);
  bool taken = false;
  const QuicPacket::Outcome outcome = packet.add_datagram(pending_, taken);
  if (taken) datagram_sent();
  return outcome == QuicPacket::Outcome::kTaken;
}

/// The next part of pending_. Where the path has become too narrow meanwhile, it is lost on its way.
bool QuicCarrier::fill_fragment(QuicPacket& packet, std::size_t room) {
  if (fragment_count_ == 0) {
    fragment_count_ = static_cast<std::uint8_t>(fragments_of(pending_.size(), room));
    fragment_index_ = 0;
    fragment_part_ = fragment_count_ == 0 ? 0 : (pending_.size() - 1) / fragment_count_ + 1;
    ++fragment_number_;
  }
  if (fragment_count_ == 0 || fragment_part_ + wire::kQuicFragmentHead > room) {
    datagram_sent();
    return true;
  }
  const Bytes whole = pending_;
  const Bytes part = whole.subspan(fragment_index_ * fragment_part_,
                                   std::min(fragment_part_, whole.size() - fragment_index_ * fragment_part_));
  const auto head =
      quic_fragment_head(load_u32(whole.data()),
                         {.number = fragment_number_, .index = fragment_index_, .count = fragment_count_});
  fragment_.assign(head.begin(), head.end());
  fragment_.insert(fragment_.end(), part.begin(), part.end());
  bool taken = false;
  const QuicPacket::Outcome outcome = packet.add_datagram(fragment_, taken);
  if (taken && ++fragment_index_ == fragment_count_) datagram_sent();
  return outcome == QuicPacket::Outcome::kTaken;
}

/// pending_ is under way, or lost.
void QuicCarrier::datagram_sent() {
  turns_.sent(SendTurns::Who::kDatagrams, pending_.size(), !scheduler_.empty());
  pending_.clear();
  fragment_count_ = 0;
}

/// Long datagrams in streams of their own, one after the other.
bool QuicCarrier::fill_from_outgoing(QuicPacket& packet) {
  const Outgoing out = outgoing_.front();
  std::size_t taken = 0;
  const QuicPacket::Outcome outcome = packet.add_stream(out.id, taken);
  turns_.sent(SendTurns::Who::kDatagrams, taken, !scheduler_.empty());
  if (outcome == QuicPacket::Outcome::kTaken) return true;
  if (outcome == QuicPacket::Outcome::kFull) return false;
  outgoing_.pop_front();
  if (outcome == QuicPacket::Outcome::kGone) {
    outgoing_bytes_ -= out.bytes;
  } else {
    blocked_.push_back(out);  // until the peer permits more
  }
  return true;
}

void QuicCarrier::forget_outgoing(QuicStreamId id) {
  const auto forget = [&](const Outgoing& out) {
    if (out.id != id) return false;
    outgoing_bytes_ -= out.bytes;
    return true;
  };
  std::erase_if(outgoing_, forget);
  std::erase_if(blocked_, forget);
}

/// Fragments that a datagram of so many bytes needs; 0: more than there may be.
std::size_t QuicCarrier::fragments_of(std::size_t bytes, std::size_t room) {
  if (room <= wire::kQuicFragmentHead) return 0;
  const std::size_t part = room - wire::kQuicFragmentHead;
  const std::size_t count = (bytes - 1) / part + 1;
  return count <= wire::kMaxQuicFragments ? std::max<std::size_t>(count, 2) : 0;
}

std::size_t QuicCarrier::fragments_room(std::size_t room) {
  return room <= wire::kQuicFragmentHead ? 0 : wire::kMaxQuicFragments * (room - wire::kQuicFragmentHead);
}

}  // namespace penstock
