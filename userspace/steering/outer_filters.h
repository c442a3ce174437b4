// Filters on TC of the interfaces that take no XDP program, or whose programs hand packets on: put there, and
// taken away so that the host is as it was.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace penstock {

/// Puts the program at the interface's ingress; ours that was there goes in the same step. The folder has the
/// node's maps, and remembers whether the qdisc is ours. Needs root.
Result<void> put_filter(const std::string& folder, int program, std::uint32_t interface);

/// Takes ours from all interfaces but `kept`, and qdiscs that we made, unless others use them by now. All of
/// it even if some fails; succeeds when there was nothing.
Result<void> remove_filters(const std::string& folder, const std::vector<std::uint32_t>& kept);

/// Takes away the filters and the entries in dispatchers of all versions below the folder, and then the
/// folder with links and maps. All of it even if some fails.
Result<void> remove_pins(const std::string& folder);

}  // namespace penstock
