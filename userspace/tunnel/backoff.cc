#include "tunnel/backoff.h"

#include <algorithm>

namespace penstock {

Duration Backoff::next(std::uint64_t random) {
  Duration full = first_;
  for (unsigned i = 0; i < attempts_ && full < most_; ++i) full *= 2;
  ++attempts_;
  full = std::min(full, most_);
  const auto half = full.count() / 2;
  return Duration{half + static_cast<Duration::rep>(random % static_cast<std::uint64_t>(half + 1))};
}

}  // namespace penstock
