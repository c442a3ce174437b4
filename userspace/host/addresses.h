// The IP addresses that this host has.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/error.h"

namespace penstock {

/// An address of this host, and the interface it was given to.
struct HostAddress {
  IpAddress address;
  int prefix_bits = 0;  // of its own family: 24, 64
  std::uint32_t interface = 0;

  bool operator==(const HostAddress&) const = default;
};

/// All addresses of both families in the calling thread's network namespace. Needs no privilege.
Result<std::vector<HostAddress>> host_addresses();

}  // namespace penstock
