// Which UDP ports sockets of this host have.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/port_set.h"

namespace penstock {

/// Ports of all sockets in the calling thread's network namespace, of both families. Needs no privilege.
Result<PortSet> bound_udp_ports();

/// The local ports in a file such as /proc/net/udp; lines that have none are passed over.
PortSet read_bound_ports(std::string_view table);

}  // namespace penstock
