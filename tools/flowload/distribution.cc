#include "flowload/distribution.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace penstock::flowload {

static_assert(Duration::period::den == 1'000'000'000, "buckets are in nanoseconds");

// Values below 128 have buckets of their own; above, the seven bits after the leading one name the bucket.
std::size_t Distribution::bucket_of(std::uint64_t value) {
  if (value < kPerPower) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
  return shift * kPerPower + (value >> shift);
}

std::uint64_t Distribution::upper_end(std::size_t bucket) {
  if (bucket < kPerPower) return bucket;
  const std::size_t shift = bucket / kPerPower - 1;
  return ((bucket - shift * kPerPower + 1) << shift) - 1;
}

void Distribution::add(Duration value) {
  const std::int64_t nanoseconds = std::max<std::int64_t>(value.count(), 0);
  ++buckets_[bucket_of(static_cast<std::uint64_t>(nanoseconds))];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

Duration Distribution::percentile(double rank) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(rank * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen == 0 || seen < wanted) continue;
    return Duration{std::min(static_cast<std::int64_t>(upper_end(bucket)), max_)};
  }
  return Duration::zero();
}

}  // namespace penstock::flowload
