// What simulated peers send: bytes that tell whose they are and where they belong.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>

#include "base/bytes.h"

namespace penstock {

/// An endless text, another one for every seed. Any part of it can be made or checked without what comes
/// before.
class Pattern {
 public:
  explicit Pattern(std::uint64_t seed) : seed_{seed} {}

  void fill(std::uint64_t offset, MutableBytes out) const {
    for_each_part(offset, out.size(), [&](std::size_t at, Bytes part) {
      std::memcpy(out.data() + at, part.data(), part.size());
    });
  }
  bool matches(std::uint64_t offset, Bytes bytes) const {
    bool same = true;
    for_each_part(offset, bytes.size(), [&](std::size_t at, Bytes part) {
      same = same && std::memcmp(bytes.data() + at, part.data(), part.size()) == 0;
    });
    return same;
  }

 private:
  static constexpr std::size_t kBlock = 4096;
  static constexpr std::size_t kTable = 1U << 20;

  static const std::byte* table() {
    static const auto bytes = [] {
      std::vector<std::byte> made(kTable + kBlock);
      std::mt19937_64 engine{20260101};
      for (std::byte& byte : made) byte = static_cast<std::byte>(engine());
      return made;
    }();
    return bytes.data();
  }
  /// Each block comes from a place of the table that seed and block number choose.
  std::size_t place_of(std::uint64_t block) const {
    std::uint64_t mixed = (seed_ + 1) * 0x9e3779b97f4a7c15U ^ (block + 1) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 29) * 0x94d049bb133111ebU;
    return static_cast<std::size_t>((mixed ^ mixed >> 32) % kTable);
  }
  template <class Visit>
  void for_each_part(std::uint64_t offset, std::size_t size, Visit visit) const {
    for (std::size_t at = 0; at < size;) {
      const std::size_t within = (offset + at) % kBlock;
      const std::size_t length = std::min(size - at, kBlock - within);
      visit(at, Bytes{table() + place_of((offset + at) / kBlock) + within, length});
      at += length;
    }
  }

  std::uint64_t seed_;
};

}  // namespace penstock
