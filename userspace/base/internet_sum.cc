#include "base/internet_sum.h"

#include <cstring>

namespace penstock {
namespace {

/// In words of 64 bits, since 2^64 is 1 modulo 0xffff: what is carried out of a sum is added to it again.
class Sum {
 public:
  explicit Sum(std::uint64_t start) : sum_{start} {}
  void add(std::uint64_t word) { carried_ += __builtin_add_overflow(sum_, word, &sum_) ? 1U : 0U; }
  std::uint64_t carried() const { return carried_; }
  std::uint64_t sum() const { return sum_; }

 private:
  std::uint64_t sum_;
  std::uint64_t carried_ = 0;
};

template <class T>
std::uint64_t load(const std::byte* at) {
  T word{};
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint16_t fold(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}

}  // namespace

/// Two sums do not wait for each other.
std::uint16_t internet_sum(Bytes bytes, std::uint64_t sum) {
  Sum even{sum};
  Sum odd{0};
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32) {
    even.add(load<std::uint64_t>(at));
    odd.add(load<std::uint64_t>(at + 8));
    even.add(load<std::uint64_t>(at + 16));
    odd.add(load<std::uint64_t>(at + 24));
  }
  for (; left >= 8; left -= 8, at += 8) even.add(load<std::uint64_t>(at));
  for (; left >= 2; left -= 2, at += 2) odd.add(load<std::uint16_t>(at));
  if (left == 1) {
    const std::byte last[2] = {*at, std::byte{0}};
    even.add(load<std::uint16_t>(last));
  }
  return fold(std::uint64_t{fold(even.sum())} + fold(odd.sum()) + fold(even.carried() + odd.carried()));
}

}  // namespace penstock
