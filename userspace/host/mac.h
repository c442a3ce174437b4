// The address of an Ethernet device, as a value.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace penstock {

/// Six bytes in the order of the wire.
struct Mac {
  std::array<std::uint8_t, 6> bytes{};

  std::string to_string() const;  // "02:00:5e:10:00:01"
  auto operator<=>(const Mac&) const = default;
};

}  // namespace penstock
