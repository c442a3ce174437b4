// Whether anybody has filters in an interface's clsact qdisc.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace penstock {

/// At its ingress or egress; false without such a qdisc. Needs no privilege.
Result<bool> has_traffic_filters(std::uint32_t interface);

}  // namespace penstock
