#include "base/internet_sum.h"

#include <cstring>

namespace penstock {
namespace {

template <class T>
T load(const std::byte* at) {
  T value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint16_t fold(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}

}  // namespace

/// In words of 64 bits, since 2^64 is 1 modulo 0xffff: what is carried out of a sum is added to it again.
/// Four sums do not wait for each other.
std::uint16_t internet_sum(Bytes bytes, std::uint64_t sum) {
  std::uint64_t sums[4] = {sum, 0, 0, 0};
  std::uint64_t carried[4] = {};
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32) {
    for (std::size_t i = 0; i < 4; ++i)
      carried[i] += __builtin_add_overflow(sums[i], load<std::uint64_t>(at + 8 * i), &sums[i]) ? 1U : 0U;
  }
  std::uint64_t rest = 0;  // of fifteen words at most
  for (; left >= 2; left -= 2, at += 2) rest += load<std::uint16_t>(at);
  if (left == 1) {
    const std::byte last[2] = {*at, std::byte{0}};
    rest += load<std::uint16_t>(last);
  }
  for (std::size_t i = 0; i < 4; ++i) rest += std::uint64_t{fold(sums[i])} + fold(carried[i]);
  return fold(rest);
}

}  // namespace penstock
