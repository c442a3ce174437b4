// UDP sockets for QUIC that belong to no loop yet.
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "net/udp_socket.h"

namespace penstock {

/// What Network::bind_quic promises; `count` is 1 to 256.
Result<std::vector<std::unique_ptr<BoundUdp>>> bind_quic_sockets(const Endpoint& on, unsigned count);

}  // namespace penstock
