#include "steering/spare_sockets.h"

#include <algorithm>

#include "net/bound_udp.h"
#include "steering/transparent_socket.h"

namespace penstock {

boost::system::error_code SpareSockets::send(const Endpoint& local, const OutgoingDatagram& datagram,
                                             bool transparent) {
  auto found = spares_.find(local);
  if (found == spares_.end()) {
    auto bound = transparent ? bind_transparent_udp_socket(local) : bind_shared_udp_socket(local);
    if (!bound) return bound.error().code;
    make_room();
    auto socket = network_.attach(std::move(*bound), static_cast<UdpObserver&>(*this));
    found = spares_.emplace(local, Spare{.socket = std::move(socket)}).first;
  }
  found->second.used = ++calls_;
  return found->second.socket->send({&datagram, 1}).error;
}

void SpareSockets::make_room() {
  if (spares_.size() < kMost) return;
  const auto by_use = [](const auto& a, const auto& b) { return a.second.used < b.second.used; };
  spares_.erase(std::min_element(spares_.begin(), spares_.end(), by_use));
}

}  // namespace penstock
