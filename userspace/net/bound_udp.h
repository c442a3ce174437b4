// Real UDP sockets that belong to no loop yet.
#pragma once

#include <memory>
#include <vector>

#include "base/file_descriptor.h"
#include "net/udp_socket.h"

namespace penstock {

class SystemBoundUdp final : public BoundUdp {
 public:
  SystemBoundUdp(FileDescriptor socket, const Endpoint& where) : socket_{std::move(socket)} { local = where; }
  int fd() const { return socket_.get(); }
  /// Leaves this one empty.
  FileDescriptor take() { return std::move(socket_); }

 private:
  FileDescriptor socket_;
};

/// What Network::bind_udp promises; `count` is at least 1. Of several sockets the system chooses by a hash of
/// both addresses and ports: a peer that sends to two addresses of this host may reach two of them. While a
/// group is bound, programs of the same user that ask for SO_REUSEPORT may join it; nobody else can.
Result<std::vector<std::unique_ptr<BoundUdp>>> bind_udp_sockets(const Endpoint& on, unsigned count);

/// One more socket on a port that only sockets of this user which ask for it too may share, such as those of
/// our other threads. For sending: which of them gets what comes is left open.
Result<std::unique_ptr<BoundUdp>> bind_shared_udp_socket(const Endpoint& on);

}  // namespace penstock
