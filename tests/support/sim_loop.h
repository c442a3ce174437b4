// A loop in virtual time.
#pragma once

#include "net/loop.h"
#include "support/sim_clock.h"

namespace penstock {

/// As many as needed hang on one clock, like the threads of several nodes; what each was given runs in order.
/// Destroying the loop drops what was posted to it, as the end of its thread would; its timers must be gone
/// before.
class SimLoop final : public Loop {
 public:
  explicit SimLoop(SimClock& clock) : clock_{clock} {}
  ~SimLoop() override { clock_.drop(this); }
  SimLoop(const SimLoop&) = delete;
  SimLoop& operator=(const SimLoop&) = delete;

  Time now() const override { return clock_.now(); }
  void post(Task work) override { clock_.schedule(clock_.now(), this, std::move(work)); }
  std::unique_ptr<Timer> make_timer(std::function<void()> fire) override;
  /// How often it was woken by timers.
  std::size_t timers_fired() const { return timers_fired_; }

 private:
  SimClock& clock_;
  std::size_t timers_fired_ = 0;
};

}  // namespace penstock
