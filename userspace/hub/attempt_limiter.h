// How often a source may try: unfinished handshakes at once, failed secrets a minute.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

#include "base/source_counts.h"
#include "base/time.h"
#include "config/config.h"

namespace penstock {

/// Counts per source prefix. Both tables are bounded: unfinished handshakes by their limit, failures by
/// 65,536 sources of which the stalest goes first. One thread; pure.
class AttemptLimiter {
 public:
  explicit AttemptLimiter(const LimitsConfig& limits)
      : limits_{limits}, unfinished_{limits.source_prefix_v4, limits.source_prefix_v6} {}

  /// A handshake begins; false when the source or the hub has too many unfinished ones.
  bool begin(const IpAddress& source);
  void finished(const IpAddress& source);
  /// False when the source failed too often within the last minute.
  bool may_try(const IpAddress& source, Time now);
  void failed(const IpAddress& source, Time now);
  void set_limits(const LimitsConfig& limits);

 private:
  struct Failures {
    std::uint32_t count = 0;
    Time since;
  };
  IpAddress prefix(const IpAddress& source) const {
    return source.prefix(limits_.source_prefix_v4, limits_.source_prefix_v6);
  }
  void make_room(Time now);

  LimitsConfig limits_;
  SourceCounts unfinished_;
  std::unordered_map<IpAddress, Failures, IpAddressHash> failures_;
  std::deque<std::pair<IpAddress, Time>> by_age_;  // when each began to fail
};

}  // namespace penstock
