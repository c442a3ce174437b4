#include "support/sim_udp_socket.h"

#include <algorithm>
#include <cerrno>

namespace penstock {
namespace {

constexpr std::size_t kLargest = 65507;

}  // namespace

SimUdpPlace::~SimUdpPlace() {
  mailbox->close();
  for (const IpAddress& address : addresses) internet.post().leave({address, local.port}, mailbox);
}

UdpSent SimUdpSocket::send(std::span<const OutgoingDatagram> batch) {
  for (std::size_t sent = 0; sent < batch.size(); ++sent) {
    if (const int failed = send(batch[sent]); failed != 0)
      return {sent, {failed, boost::system::system_category()}};
  }
  return {batch.size(), {}};
}

/// 0, or why the system does not take it.
int SimUdpSocket::send(const OutgoingDatagram& datagram) {
  SimInternet& internet = place_->internet;
  const Endpoint& local = place_->local;
  const std::vector<IpAddress>& addresses = place_->addresses;
  if (internet.faults().strike()) return ENOBUFS;
  if (datagram.peer.address.is_v4() != local.address.is_v4()) return EAFNOSUPPORT;
  if (datagram.header.size() + datagram.payload.size() > kLargest) return EMSGSIZE;
  const IpAddress from = datagram.local.is_any() ? addresses.front() : datagram.local;
  if (std::find(addresses.begin(), addresses.end(), from) == addresses.end()) return EINVAL;
  if (internet.silent(datagram.peer.address)) return 0;
  std::string payload{as_text(datagram.header)};
  payload += as_text(datagram.payload);
  internet.post().send({from, local.port}, datagram.peer, payload, datagram.ecn);
  return 0;
}

}  // namespace penstock
