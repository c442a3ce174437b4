// Where a program is attached: a link that is pinned, so that it outlives the process, and is taken over by
// the next.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace penstock {

enum class XdpMode { kNative, kGeneric };
std::string_view to_string(XdpMode mode);  // "native", "generic"

/// Attaches a program to an interface, with a link pinned at `pin`. One that is pinned there and still holds
/// the interface gets the program in one step instead, so that no packet passes unseen. kExists: another's
/// program is on the interface.
Result<void> attach_xdp(const std::string& pin, int program, std::uint32_t interface, XdpMode mode);

/// The same for this thread's network namespace and a program of type sk_lookup.
Result<void> attach_sk_lookup(const std::string& pin, int program);

/// Takes the pin, and with it the program, away; succeeds when there was none.
Result<void> detach(const std::string& pin);

}  // namespace penstock
