// The backend's host: accepts connections and lets each be served by the flow that its PROXY line names.
#pragma once

#include <memory>
#include <vector>

#include "sim/sim_flow.h"
#include "support/sim_loop.h"
#include "support/sim_network.h"

namespace penstock {

class SimBackend final : private ListenerObserver {
 public:
  /// Finds the flow of a client, or null.
  using Find = std::function<SimFlow*(const ProxyAddresses&)>;

  SimBackend(SimInternet& internet, const IpAddress& address, Find find)
      : loop_{internet.clock()}, network_{internet, loop_, {address}}, find_{std::move(find)} {}

  void listen(const Endpoint& on) { listeners_.push_back(network_.listen(on, *this).value()); }
  void close() { listeners_.clear(); }
  /// Connections that still have their socket.
  std::size_t open() const {
    std::size_t sum = 0;
    for (const auto& peer : peers_) sum += peer->gone() ? 0 : 1;
    return sum;
  }

 private:
  void on_connection(std::unique_ptr<Connection> connection) override {
    peers_.push_back(std::make_unique<SimPeer>(loop_, network_.attach(std::move(connection), {})));
    peers_.back()->await_header([this](SimPeer& peer, const ProxyAddresses& addresses) {
      SimFlow* const flow = find_(addresses);
      if (flow != nullptr && flow->backend() == nullptr) flow->serve(peer);
    });
  }
  void on_accept_failed(const boost::system::error_code&) override {}

  SimLoop loop_;
  SimNetwork network_;
  Find find_;
  std::vector<std::unique_ptr<SimPeer>> peers_;
  std::vector<std::unique_ptr<Pending>> listeners_;
};

}  // namespace penstock
