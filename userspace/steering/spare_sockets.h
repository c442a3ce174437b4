// Sockets for the few datagrams that kernel programs cannot send: too long for one packet, or without a next
// hop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "net/network.h"

namespace penstock {

/// Each is bound to the local end that it sends for, just as long as it is among those used last. One thread.
class SpareSockets final : private UdpObserver {
 public:
  static constexpr std::size_t kMost = 64;

  explicit SpareSockets(Network& network) : network_{network} {}

  /// Sends one datagram from `local`, which is this host's unless `transparent` says that it is another's;
  /// the system fragments it and finds its way.
  boost::system::error_code send(const Endpoint& local, const OutgoingDatagram& datagram, bool transparent);

 private:
  struct Spare {
    std::unique_ptr<UdpSocket> socket;
    std::uint64_t used = 0;  // number of the call
  };

  /// What comes to such a port is found by sk_lookup, and so never comes here.
  void on_datagrams(std::span<const ReceivedDatagram> /*datagrams*/) override {}
  void on_overrun(std::uint64_t /*datagrams*/) override {}
  void make_room();

  Network& network_;
  std::map<Endpoint, Spare> spares_;
  std::uint64_t calls_ = 0;
};

}  // namespace penstock
