#include "quic/packet_filler.h"

namespace penstock {
namespace {

/// The last one of so many parts of a run: no turn begins there.
constexpr std::size_t kRunParts = 4;

}  // namespace

PacketFiller::PacketFiller(LibraryConnection& connection, ngtcp2_tstamp now, std::size_t run)
    : connection_{connection}, now_{now}, run_{run} {
  ngtcp2_path_storage_zero(&storage_);
}

void PacketFiller::begin(MutableBytes into) {
  into_ = into;
  complete_ = false;
  size_ = 0;
  witness_.reset();
}

bool PacketFiller::begin_turn() {
  over_ = used_ > run_ - run_ / kRunParts;
  return !over_;
}

QuicPacket::Outcome PacketFiller::complete(ngtcp2_ssize size) {
  complete_ = true;
  size_ = size;
  return Outcome::kFull;
}

QuicPacket::Outcome PacketFiller::add_stream(QuicStreamId id, std::size_t& taken) {
  taken = 0;
  if (complete_) return Outcome::kFull;
  QuicStream* const stream = connection_.find(id);
  if (stream == nullptr || stream->aborted || stream->end_sent) return Outcome::kGone;
  const Bytes unsent = stream->buffer.unsent();
  const bool with_end = stream->finishing && unsent.size() == stream->buffer.unsent_bytes();
  if (unsent.empty() && !with_end) return Outcome::kTaken;
  const ngtcp2_vec bytes = library_vec(unsent);
  const std::uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE | (with_end ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0U);
  ngtcp2_ssize accepted = -1;
  const ngtcp2_ssize size =
      ngtcp2_conn_writev_stream(connection_.conn_, &storage_.path, &info_, library_data(into_), into_.size(),
                                &accepted, flags, id, &bytes, unsent.empty() ? 0 : 1, now_);
  if (accepted >= 0) {
    taken = static_cast<std::size_t>(accepted);
    stream->buffer.sent(taken);
    stream->end_sent = with_end && taken == unsent.size();
    if (taken > 0)
      witness_ = {.kind = LongPackets::Witness::Kind::kStream,
                  .id = static_cast<std::uint64_t>(id),
                  .bytes = stream->buffer.size() - stream->buffer.unsent_bytes()};
  }
  switch (size) {
    case NGTCP2_ERR_WRITE_MORE:
      return Outcome::kTaken;
    case NGTCP2_ERR_STREAM_DATA_BLOCKED:
      return Outcome::kBlocked;
    case NGTCP2_ERR_STREAM_SHUT_WR:
    case NGTCP2_ERR_STREAM_NOT_FOUND:
      return Outcome::kGone;
    default:
      return complete(size);
  }
}

/// What can never fit would keep all behind it from being sent: it is lost instead.
QuicPacket::Outcome PacketFiller::add_datagram(Bytes datagram, bool& taken) {
  taken = false;
  if (complete_) return Outcome::kFull;
  if (datagram.size() > connection_.datagram_room()) {
    taken = true;
    return Outcome::kTaken;
  }
  const ngtcp2_vec bytes = library_vec(datagram);
  int accepted = 0;
  const std::uint64_t number = connection_.counted_.sent_packets + 1;
  const ngtcp2_ssize size = ngtcp2_conn_writev_datagram(
      connection_.conn_, &storage_.path, &info_, library_data(into_), into_.size(), &accepted,
      NGTCP2_WRITE_DATAGRAM_FLAG_MORE, number, &bytes, datagram.empty() ? 0 : 1, now_);
  taken = accepted != 0;
  if (taken) witness_ = {.kind = LongPackets::Witness::Kind::kDatagrams, .id = number, .bytes = 0};
  return size == NGTCP2_ERR_WRITE_MORE ? Outcome::kTaken : complete(size);
}

ngtcp2_ssize PacketFiller::finish() {
  if (!complete_)
    complete(ngtcp2_conn_writev_stream(connection_.conn_, &storage_.path, &info_, library_data(into_),
                                       into_.size(), nullptr, NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0,
                                       now_));
  if (size_ > 0) used_ += static_cast<std::size_t>(size_);
  return size_;
}

}  // namespace penstock
