// A real UDP socket on an AsioLoop.
#pragma once

#include <memory>

#include "base/file_descriptor.h"
#include "net/udp_outbox.h"
#include "net/udp_readiness.h"
#include "net/udp_socket.h"

namespace penstock {

/// Addresses have no zones: a peer with a link-local IPv6 address is heard, but cannot be answered from the
/// link-local address that it wrote to (EINVAL).
/// An overrun counts what the system joined (GRO) once, and also what it threw away as damaged.
class AsioUdpSocket final : public UdpSocket {
 public:
  /// Takes over a bound, non-blocking socket.
  AsioUdpSocket(std::shared_ptr<UdpReadiness> readiness, FileDescriptor socket, const Endpoint& local,
                UdpObserver& observer);
  ~AsioUdpSocket() override;
  AsioUdpSocket(const AsioUdpSocket&) = delete;
  AsioUdpSocket& operator=(const AsioUdpSocket&) = delete;

  const Endpoint& local() const override { return local_; }
  UdpSent send(std::span<const OutgoingDatagram> batch) override { return outbox_.send(batch); }
  void wait_for_room(std::chrono::milliseconds most) override;
  void poll() override;

 private:
  class State;

  const Endpoint local_;
  UdpOutbox outbox_;
  std::shared_ptr<State> state_;  // shared with the read under way, in which the socket may be destroyed
};

}  // namespace penstock
