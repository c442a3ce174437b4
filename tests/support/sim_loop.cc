#include "support/sim_loop.h"

namespace penstock {
namespace {

class SimTimer final : public Timer {
 public:
  SimTimer(SimClock& clock, const void* owner, std::function<void()> fire)
      : clock_{clock}, owner_{owner}, fire_{std::move(fire)} {}
  ~SimTimer() override { SimTimer::cancel(); }

  void arm(Time at) override {
    cancel();
    event_ =
        clock_.schedule(at, owner_, [fire = fire_] { fire(); });  // a copy: the timer may be destroyed within
  }
  void cancel() override { clock_.cancel(event_); }

 private:
  SimClock& clock_;
  const void* owner_;
  std::function<void()> fire_;
  SimClock::Event event_;
};

}  // namespace

std::unique_ptr<Timer> SimLoop::make_timer(std::function<void()> fire) {
  return std::make_unique<SimTimer>(clock_, this, [this, told = std::move(fire)] {
    ++timers_fired_;
    told();
  });
}

}  // namespace penstock
