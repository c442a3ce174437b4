// The Internet checksum's sum (RFC 1071).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace penstock {

/// The one's complement sum of 16-bit words as they lie in memory, an odd last byte filled up with zero.
/// Parts of even length add up: `sum` is what came before. Of data with its right checksum in it, it is
/// 0xffff.
std::uint16_t internet_sum(Bytes bytes, std::uint64_t sum = 0);

}  // namespace penstock
