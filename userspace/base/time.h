// The one clock: monotonic, passed in as `now` so that protocols can run in virtual time.
#pragma once

#include <chrono>

namespace penstock {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Duration = Clock::duration;

/// "Never": later than every deadline.
inline constexpr Time kNever = Time::max();

}  // namespace penstock
