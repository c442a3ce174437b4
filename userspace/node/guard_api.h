// The kernel programs in the admin API: guard, packets, and how the node steers.
#pragma once

#include <boost/json/object.hpp>

#include "admin/metrics.h"
#include "admin/router.h"
#include "node/guard_requests.h"

namespace penstock {

class Node;

/// Registers /v1/guard and /v1/packets.
void add_guard(Router& router, Node& node, Journal& journal);
/// The part "steering" of GET /v1/status.
boost::json::object steering_status(Node& node);
/// penstock_packets_total; nothing where sockets steer.
void add_packets(MetricsPage& page, Node& node);

}  // namespace penstock
