#include "hub/attempt_limiter.h"

#include <algorithm>

namespace penstock {
namespace {

constexpr Duration kWindow = 1min;
constexpr std::size_t kMostSources = 65536;

}  // namespace

bool AttemptLimiter::begin(const IpAddress& source) {
  if (unfinished_.total() >= limits_.handshakes || unfinished_.of(source) >= limits_.handshakes_per_source)
    return false;
  unfinished_.add(source);
  return true;
}

void AttemptLimiter::finished(const IpAddress& source) {
  unfinished_.remove(source);
}

bool AttemptLimiter::may_try(const IpAddress& source, Time now) {
  const auto found = failures_.find(prefix(source));
  if (found == failures_.end()) return true;
  if (now - found->second.since >= kWindow) {
    failures_.erase(found);
    return true;
  }
  return found->second.count < limits_.auth_failures_per_minute;
}

void AttemptLimiter::failed(const IpAddress& source, Time now) {
  const IpAddress key = prefix(source);
  if (!failures_.contains(key)) {
    make_room(now);
    by_age_.emplace_back(key, now);
  }
  Failures& failures = failures_.try_emplace(key, Failures{0, now}).first->second;
  ++failures.count;
}

/// The sources stand in the order in which they first failed; one that was erased meanwhile is passed over.
void AttemptLimiter::make_room(Time now) {
  while (!by_age_.empty() && (by_age_.size() >= kMostSources || now - by_age_.front().second >= kWindow)) {
    const auto found = failures_.find(by_age_.front().first);
    if (found != failures_.end() && found->second.since == by_age_.front().second) failures_.erase(found);
    by_age_.pop_front();
  }
}

void AttemptLimiter::set_limits(const LimitsConfig& limits) {
  const LimitsConfig held = limits_;
  limits_ = limits;
  limits_.source_prefix_v4 = held.source_prefix_v4;  // what is counted was counted under these
  limits_.source_prefix_v6 = held.source_prefix_v6;
}

}  // namespace penstock
