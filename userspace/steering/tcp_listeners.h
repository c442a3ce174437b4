// The one listener of each family that takes connections to all public TCP ports.
#pragma once

#include "base/error.h"
#include "base/file_descriptor.h"

namespace penstock {

/// Listens on the loopback address, where nobody else finds it: connections come by sk_lookup.
Result<FileDescriptor> open_tcp_listener(bool v4);

}  // namespace penstock
