// How many of something each source has at present.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "base/address.h"

namespace penstock {

/// Counts by the prefix of an address. Bounded by what its owner lets in: it holds only sources that have
/// one. One thread; pure.
class SourceCounts {
 public:
  SourceCounts(int v4_bits, int v6_bits) : v4_bits_{v4_bits}, v6_bits_{v6_bits} {}

  std::size_t total() const { return total_; }
  std::size_t of(const IpAddress& source) const;
  void add(const IpAddress& source);
  /// One that was added.
  void remove(const IpAddress& source);

 private:
  IpAddress prefix(const IpAddress& source) const { return source.prefix(v4_bits_, v6_bits_); }

  int v4_bits_;
  int v6_bits_;
  std::size_t total_ = 0;
  std::unordered_map<IpAddress, std::size_t, IpAddressHash> counts_;
};

}  // namespace penstock
