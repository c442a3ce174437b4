// Filters on TC: a program of ours at the ingress of an interface, beside those of others.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace penstock {

// A filter is ours when its program uses the map that is pinned at `map`: it needs no pin of its own,
// outlives the process, and is known again by the next. All need CAP_NET_ADMIN and CAP_BPF; each call is a
// few system calls. One thread.

/// Puts the program there, in one step in place of ours. The interface has a clsact qdisc. kExists: another's
/// filter has our place.
Result<void> attach_tc(int program, std::uint32_t interface, const std::string& map);

/// Takes ours away; false when there was none.
Result<bool> detach_tc(std::uint32_t interface, const std::string& map);

/// The qdisc that holds filters; false when the interface has one already.
Result<bool> make_clsact(std::uint32_t interface);
/// Takes it away with all filters in it.
Result<void> remove_clsact(std::uint32_t interface);

}  // namespace penstock
