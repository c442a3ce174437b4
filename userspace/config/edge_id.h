// What may name an edge.
#pragma once

#include <string_view>

#include "base/error.h"

namespace penstock {

/// An edge id is 1 to 64 printable characters without space, and not "*", which in a service means every
/// edge.
Result<void> check_edge_id(std::string_view id);

}  // namespace penstock
