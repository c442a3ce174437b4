// The one clock: monotonic, passed in as `now` so that protocols can run in virtual time.
#pragma once

#include <chrono>

namespace penstock {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Duration = Clock::duration;

/// With their fractions.
inline double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// "Never": later than every deadline.
inline constexpr Time kNever = Time::max();

}  // namespace penstock
