// Paths of sessions, by number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "steering/session.h"

namespace penstock {

/// Another path for each number, of IPv4 and of IPv6 by turns; both ends differ between neighbours.
inline SessionPath numbered_path(std::uint32_t number) {
  SessionPath path;
  path.local = {IpAddress::v4(0xc0000200 + number % 3), static_cast<std::uint16_t>(7000 + number % 5)};
  path.remote.port = static_cast<std::uint16_t>(1024 + number % 50'000);
  if (number % 2 == 0) {
    path.remote.address = IpAddress::v4(0x0a000000 + number);
    return path;
  }
  std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
  for (std::size_t i = 0; i < 4; ++i) bytes[12 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  path.remote.address = IpAddress::v6(bytes);
  return path;
}

}  // namespace penstock
