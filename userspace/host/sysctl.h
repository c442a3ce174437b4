// Kernel settings under /proc/sys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/port_set.h"

namespace penstock {

/// The setting as text without its line end. `name` is a path, since interfaces may have dots in their names:
/// "net/core/rmem_max". Names under net/ are those of the calling thread's network namespace. The code is
/// ENOENT when this kernel has no such setting.
Result<std::string> read_sysctl(const std::string& name);
Result<std::int64_t> read_sysctl_number(const std::string& name);

/// Needs CAP_NET_ADMIN to be permitted for names under net/, root for all others.
Result<void> write_sysctl(const std::string& name, std::string_view value);

/// The check of source addresses that holds on the interface: the stricter of its own and all's. 0 is none.
Result<int> effective_rp_filter(std::string_view interface);

/// The ports that the kernel gives to sockets which ask for none.
Result<PortRange> local_port_range();

}  // namespace penstock
