// A simulated UDP socket, before and after it belongs to a loop.
#pragma once

#include <memory>
#include <vector>

#include "support/sim_internet.h"

namespace penstock {

/// Where a socket is bound; it leaves with this. `addresses` are those that it may send from.
struct SimUdpPlace {
  SimUdpPlace(SimInternet& net, std::shared_ptr<SimMailbox> box, const Endpoint& on,
              std::vector<IpAddress> own)
      : internet{net}, mailbox{std::move(box)}, local{on}, addresses{std::move(own)} {}
  ~SimUdpPlace();
  SimUdpPlace(const SimUdpPlace&) = delete;
  SimUdpPlace& operator=(const SimUdpPlace&) = delete;

  SimInternet& internet;
  const std::shared_ptr<SimMailbox> mailbox;
  const Endpoint local;
  const std::vector<IpAddress> addresses;
};

class SimBoundUdp final : public BoundUdp {
 public:
  explicit SimBoundUdp(std::unique_ptr<SimUdpPlace> place) : place_{std::move(place)} {
    local = place_->local;
  }
  /// Leaves this one empty.
  std::unique_ptr<SimUdpPlace> take() { return std::move(place_); }

 private:
  std::unique_ptr<SimUdpPlace> place_;
};

class SimUdpSocket final : public UdpSocket {
 public:
  SimUdpSocket(std::unique_ptr<SimUdpPlace> place, Loop& loop, UdpObserver& observer)
      : place_{std::move(place)} {
    place_->mailbox->attach(loop, observer);
  }
  const Endpoint& local() const override { return place_->local; }
  UdpSent send(std::span<const OutgoingDatagram> batch) override;
  void wait_for_room(std::chrono::milliseconds /*most*/) override {}  // there always is
  void poll() override {}  // nothing waits in it: every datagram is told of at its own time

 private:
  int send(const OutgoingDatagram& datagram);

  const std::unique_ptr<SimUdpPlace> place_;
};

}  // namespace penstock
