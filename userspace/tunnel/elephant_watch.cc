#include "tunnel/elephant_watch.h"

#include <utility>

namespace penstock {
namespace {

/// Shorter spans than this tell nothing of a rate.
constexpr Duration kShortest = std::chrono::milliseconds{200};

}  // namespace

bool ElephantWatch::look(std::uint64_t sent, bool waits, Time now, const ElephantLimits& limits) {
  if (looked_ == Time{}) {
    looked_ = now;
    fast_since_ = kNever;
    return false;
  }
  if (now - looked_ < kShortest) return sustained_;
  const double span = seconds_of(now - std::exchange(looked_, now));
  const double rate = static_cast<double>(sent - std::exchange(sent_, sent)) / span;
  const bool fast = limits.rate > 0 && rate > static_cast<double>(limits.rate);
  if (sustained_) {
    if (!fast && !waits) sustained_ = false;
    if (!sustained_) fast_since_ = kNever;
    return sustained_;
  }
  if (!fast) {
    fast_since_ = kNever;
  } else if (fast_since_ == kNever) {
    fast_since_ = now;
  }
  sustained_ = fast_since_ != kNever && now - fast_since_ >= limits.after;
  return sustained_;
}

}  // namespace penstock
