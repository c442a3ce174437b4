// Which user the daemon runs as, and what it may do.
#pragma once

#include <string>

#include "base/error.h"

namespace penstock {

/// Becomes `user` for good, keeping only the right to open ports below 1024, and with `steering` those to
/// look after the host's network, which are raised around the calls that need them. Called once, as root,
/// before any thread is started; with an empty name, or when not root, nothing changes. An error leaves the
/// process unusable.
Result<void> become_user(const std::string& user, bool steering);

/// Raises the limit of open descriptors as far as the system permits.
void raise_descriptor_limit();

}  // namespace penstock
