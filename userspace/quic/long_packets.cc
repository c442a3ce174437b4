#include "quic/long_packets.h"

#include <algorithm>

namespace penstock {

/// After a pause there is nothing that should have been heard of meanwhile; but a connection that hears
/// nothing tries again after twice as long each time. What was watched may yet arrive in short packets, which
/// says nothing of long ones.
void LongPackets::sent(Time now, Duration timeout, const std::optional<Witness>& witness) {
  const Duration patience = std::max(kShortest, kTimeouts * timeout);
  if (count_ == 0 || now - last_ > patience + (last_ - since_)) {
    since_ = now;
    count_ = 0;
    watched_.reset();
  }
  ++count_;
  last_ = now;
  if (!watched_) watched_ = witness;
  const bool silent = count_ >= kFewest && now - since_ >= patience;
  if (!silent && lost_ < kMostLost) return;
  forbidden_until_ = now + rest_;
  rest_ = std::min(2 * rest_, kLongestRest);
  forget_watched();
}

void LongPackets::arrived() {
  forget_watched();
  rest_ = kRest;
}

void LongPackets::forget_watched() {
  watched_.reset();
  count_ = lost_ = 0;
}

void LongPackets::stream_acknowledged(std::uint64_t id, std::uint64_t bytes) {
  if (!watches(Witness::Kind::kStream, id)) return;
  watched_->bytes -= std::min(watched_->bytes, bytes);
  if (watched_->bytes == 0) arrived();
}

void LongPackets::datagrams_acknowledged(std::uint64_t number) {
  if (watches(Witness::Kind::kDatagrams, number)) arrived();
}

/// They are not sent again: another packet is watched instead.
void LongPackets::datagrams_lost(std::uint64_t number) {
  if (!watches(Witness::Kind::kDatagrams, number)) return;
  watched_.reset();
  ++lost_;
}

void LongPackets::forget_stream(std::uint64_t id) {
  if (watches(Witness::Kind::kStream, id)) forget_watched();
}

}  // namespace penstock
