// A distribution of durations in a fixed amount of memory.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace penstock::flowload {

/// Counts durations in buckets of less than 1 % width (128 to each power of two of nanoseconds); 58 KiB,
/// however many.
class Distribution {
 public:
  void add(Duration value);
  std::uint64_t count() const { return count_; }
  /// The smallest bucket's upper end that a share `rank` (0 to 1) of all values does not exceed; zero when
  /// empty.
  Duration percentile(double rank) const;
  Duration max() const { return Duration{max_}; }  // exact

 private:
  static constexpr unsigned kBits = 7;
  static constexpr std::size_t kPerPower = std::size_t{1} << kBits;

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_end(std::size_t bucket);

  std::array<std::uint64_t, (64 - kBits + 1) * kPerPower> buckets_{};
  std::uint64_t count_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace penstock::flowload
