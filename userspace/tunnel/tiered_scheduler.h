// Which stream sends next: those of the data tier first, those that send much for long behind them.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "tunnel/send_scheduler.h"

namespace penstock {

/// Two schedulers in order of priority. While the data tier waits, the sustained tier keeps a least rate of
/// its own; else it has all that is left. Pure; owns nothing. Control and UDP have their own ways.
class TieredScheduler {
 public:
  struct Entry : SendScheduler::Entry {
    bool sustained = false;  // its tier
  };

  /// `least_rate`: bytes a second; `quantum`: bytes of a turn.
  TieredScheduler(std::uint64_t least_rate, std::int64_t quantum)
      : least_rate_{least_rate}, data_{quantum}, sustained_{quantum} {}

  /// `quantum`: bytes of a turn, of those that are given from now on.
  void set_quantum(std::int64_t quantum) {
    data_.set_quantum(quantum);
    sustained_.set_quantum(quantum);
  }

  /// The entry has something to send. No effect when it is in already.
  void add(Entry& entry) { tier_of(entry).add(entry); }
  /// It has nothing more for now. No effect when it is not in.
  void remove(Entry& entry) { tier_of(entry).remove(entry); }
  /// Moves it to the other tier.
  void set_sustained(Entry& entry, bool sustained);
  /// Null when there is nobody.
  Entry* next(Time now);
  /// The entry, which next() gave, sent so many bytes.
  void charge(Entry& entry, std::size_t bytes);
  bool empty() const { return data_.empty() && sustained_.empty(); }

 private:
  SendScheduler& tier_of(const Entry& entry) { return entry.sustained ? sustained_ : data_; }
  void refill(Time now);

  const std::uint64_t least_rate_;
  SendScheduler data_;
  SendScheduler sustained_;
  std::int64_t owed_ = 0;  // bytes that the sustained tier may send before the data tier
  Time refilled_{};
};

}  // namespace penstock
