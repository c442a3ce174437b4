#include "tunnel/tiered_scheduler.h"

#include <algorithm>

namespace penstock {
namespace {

/// What is owed for longer than this is forgotten: a tier that had nothing to send saves nothing up.
constexpr Duration kMostOwed = std::chrono::milliseconds{100};

}  // namespace

void TieredScheduler::set_sustained(Entry& entry, bool sustained) {
  if (entry.sustained == sustained) return;
  const bool waits = entry.place != Entry::Place::kNone;
  remove(entry);
  entry.sustained = sustained;
  if (waits) add(entry);
}

TieredScheduler::Entry* TieredScheduler::next(Time now) {
  if (sustained_.empty()) return static_cast<Entry*>(data_.next());
  if (data_.empty()) return static_cast<Entry*>(sustained_.next());
  refill(now);
  return static_cast<Entry*>(owed_ > 0 ? sustained_.next() : data_.next());
}

void TieredScheduler::refill(Time now) {
  const Duration since = std::min(now - refilled_, kMostOwed);
  refilled_ = now;
  const auto rate = static_cast<std::int64_t>(least_rate_);
  const auto bytes_of = [rate](Duration span) {
    return rate * std::chrono::duration_cast<std::chrono::microseconds>(span).count() / 1'000'000;
  };
  owed_ = std::min(owed_ + bytes_of(since), bytes_of(kMostOwed));
}

void TieredScheduler::charge(Entry& entry, std::size_t bytes) {
  tier_of(entry).charge(entry, bytes);
  if (entry.sustained && !data_.empty()) owed_ -= static_cast<std::int64_t>(bytes);
}

}  // namespace penstock
