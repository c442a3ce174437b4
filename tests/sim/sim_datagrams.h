// A program with one UDP socket on a host of its own: sends, keeps what it gets, and may send it back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/sim_loop.h"
#include "support/sim_network.h"

namespace penstock {

class SimDatagrams final : private UdpObserver {
 public:
  struct Got {
    Endpoint from;
    std::string payload;
  };

  SimDatagrams(SimInternet& internet, const Endpoint& on)
      : loop_{internet.clock()}, network_{internet, loop_, {on.address}} {
    auto bound = network_.bind_udp(on, 1).value();
    local_ = bound.front()->local;
    socket_ = network_.attach(std::move(bound.front()), static_cast<UdpObserver&>(*this));
  }

  void send(const Endpoint& to, std::string_view payload) {
    const OutgoingDatagram datagram{.peer = to, .local = {}, .header = {}, .payload = as_bytes(payload)};
    socket_->send({&datagram, 1});
  }
  /// Sends back what comes, from now on.
  void echo(bool on) { echoes_ = on; }
  const Endpoint& local() const { return local_; }
  const std::vector<Got>& got() const { return got_; }

 private:
  void on_datagrams(std::span<const ReceivedDatagram> datagrams) override {
    for (const ReceivedDatagram& datagram : datagrams) {
      got_.push_back({datagram.peer, std::string{as_text(datagram.payload)}});
      if (echoes_) send(datagram.peer, as_text(datagram.payload));
    }
  }
  void on_overrun(std::uint64_t /*datagrams*/) override {}

  SimLoop loop_;
  SimNetwork network_;
  Endpoint local_;
  std::unique_ptr<UdpSocket> socket_;
  std::vector<Got> got_;
  bool echoes_ = false;
};

}  // namespace penstock
