// What the guard counts in.
#pragma once

#include <cstdint>

namespace penstock {

inline constexpr std::uint64_t kToken = 1 << 20;         // of a bucket: one packet
inline constexpr std::uint64_t kSecond = 1'000'000'000;  // nanoseconds

}  // namespace penstock
