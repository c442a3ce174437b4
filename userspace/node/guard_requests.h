// What the admin API asks of the guard's and the programs' maps, answered in JSON. Knows no node.
#pragma once

#include <boost/json/object.hpp>

#include "admin/router.h"
#include "config/config.h"
#include "steering/guard_maps.h"
#include "steering/packet_counts.h"
#include "tunnel/journal.h"

namespace penstock {

/// What the configuration limits.
GuardLimits guard_limits(const Config& config);

/// Rules (`within`, `limit` of the query), limits in force, and what the guard dropped, by reason.
Result<boost::json::object> guard_json(GuardMaps& guard, const PacketCounts& counts,
                                       const AdminRequest& request);
/// Applies {"rules": ["block PREFIX", "allow PREFIX", "remove PREFIX", ...]} in that order, and tells what
/// changed. A wrong one is refused before any is applied. `journal` hears of what changed, also where not all
/// could: as guard_changed, with the first rules of the list.
Result<boost::json::object> change_guard(GuardMaps& guard, const AdminRequest& request, Journal& journal);
/// Packets and bytes by program and reason.
Result<boost::json::object> packets_json(const PacketCounts& counts);

}  // namespace penstock
