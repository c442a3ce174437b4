// Networks as values: an address and how many of its leading bits count.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/error.h"

namespace penstock {

/// A network of either family.
struct AddressPrefix {
  IpAddress address;
  int bits = 0;  // of its own family

  /// "192.0.2.0/24", "2001:db8::/32", or an address alone, which is all of its bits. Bits behind the prefix
  /// must be zero. An IPv6 prefix so short that it holds the IPv4-mapped addresses too is refused.
  static Result<AddressPrefix> parse(std::string_view text);
  /// What parse() takes; an address alone when all bits count.
  std::string to_string() const;
  bool contains(const IpAddress& other) const;
  /// Of the 16 bytes of an address: an IPv4 /24 has 120.
  int mapped_bits() const { return address.is_v4() ? 96 + bits : bits; }

  auto operator<=>(const AddressPrefix&) const = default;
};

}  // namespace penstock
