// Sockets that send from addresses of others.
#pragma once

#include <memory>

#include "net/network.h"

namespace penstock {

/// Bound to an address that this host need not have, for sending: what comes to such an address reaches no
/// socket. Needs CAP_NET_ADMIN to be permitted. More than one may be bound to the same end.
Result<std::unique_ptr<BoundUdp>> bind_transparent_udp_socket(const Endpoint& on);

}  // namespace penstock
