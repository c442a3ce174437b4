// Virtual time: the one queue of everything that is going to happen in a simulated world.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/time.h"
#include "net/loop.h"

namespace penstock {

/// Runs events in the order of their time, and of their scheduling where the time is the same; time passes
/// only between events. Everything simulated hangs on one clock, which outlives it. One thread.
class SimClock {
 public:
  /// Names a scheduled event. The default one names none.
  struct Event {
    Time at;
    std::uint64_t number = 0;
    auto operator<=>(const Event&) const = default;
  };

  SimClock() = default;
  SimClock(const SimClock&) = delete;
  SimClock& operator=(const SimClock&) = delete;

  Time now() const { return now_; }
  /// A time that has passed means now. `owner` is only compared, by drop().
  Event schedule(Time at, const void* owner, Task work);
  /// No effect on an event that has run or was cancelled.
  void cancel(const Event& event) { events_.erase(event); }
  /// Cancels everything that this owner scheduled.
  void drop(const void* owner);

  /// Runs the next event, whenever it is due; false when there is none.
  bool step();
  /// Runs what is due within `limit`, until the condition holds; tells whether it does. Time then stands
  /// where the condition came true, or at the limit.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  void run_for(Duration span);

 private:
  struct Planned {
    const void* owner = nullptr;
    Task work;
  };

  Time now_{std::chrono::hours{1}};  // not the epoch, which means "never yet" to some
  std::uint64_t scheduled_ = 0;
  std::map<Event, Planned> events_;
};

}  // namespace penstock
