#include "support/sim_clock.h"

#include <algorithm>
#include <vector>

namespace penstock {

SimClock::Event SimClock::schedule(Time at, const void* owner, Task work) {
  const Event event{std::max(at, now_), ++scheduled_};
  events_.emplace(event, Planned{owner, std::move(work)});
  return event;
}

void SimClock::drop(const void* owner) {
  std::vector<Task> dropped;  // destroyed last: that may schedule or cancel other events
  for (auto entry = events_.begin(); entry != events_.end();) {
    if (entry->second.owner != owner) {
      ++entry;
      continue;
    }
    dropped.push_back(std::move(entry->second.work));
    entry = events_.erase(entry);
  }
}

bool SimClock::step() {
  if (events_.empty()) return false;
  auto next = events_.extract(events_.begin());
  now_ = next.key().at;
  next.mapped().work();
  return true;
}

bool SimClock::run_until(const std::function<bool()>& condition, Duration limit) {
  const Time end = now_ + limit;
  while (!condition()) {
    if (events_.empty() || events_.begin()->first.at > end) {
      now_ = end;
      return condition();
    }
    step();
  }
  return true;
}

void SimClock::run_for(Duration span) {
  run_until([] { return false; }, span);
}

}  // namespace penstock
