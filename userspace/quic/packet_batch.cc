#include "quic/packet_batch.h"

#include <cerrno>

namespace penstock {
namespace {

bool has_no_room(const boost::system::error_code& why) {
  return why.value() == EAGAIN || why.value() == ENOBUFS || why.value() == ENOMEM;
}

}  // namespace

PacketBatch::PacketBatch(UdpSocket& socket) : socket_{socket}, bytes_{new std::byte[kMost * kLongest]} {
  packets_.reserve(kMost);
}

MutableBytes PacketBatch::room() {
  if (packets_.size() == kMost) send();
  return {bytes_.get() + used_, kLongest};
}

void PacketBatch::add(std::size_t bytes, const Endpoint& peer, const IpAddress& local, std::uint8_t ecn) {
  packets_.push_back({.peer = peer,
                      .local = local,
                      .header = {},
                      .payload = Bytes{bytes_.get() + used_, bytes},
                      .ecn = ecn});
  used_ += bytes;
}

/// A packet that the system refuses for itself (EMSGSIZE: one that tried whether the path takes more) keeps
/// none behind it.
void PacketBatch::send() {
  std::span<const OutgoingDatagram> rest{packets_};
  while (!rest.empty()) {
    const UdpSent outcome = socket_.send(rest);
    rest = rest.subspan(outcome.sent);
    if (rest.empty()) break;
    if (has_no_room(outcome.error)) {
      congested_ = true;
      break;
    }
    rest = rest.subspan(1);
  }
  packets_.clear();
  used_ = 0;
}

}  // namespace penstock
