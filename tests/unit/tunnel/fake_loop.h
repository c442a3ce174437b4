// A loop whose time stands still until a test moves it.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "net/loop.h"

namespace penstock {

/// One thread. Nothing runs but within settle() and advance().
class FakeLoop final : public Loop {
 public:
  Time now() const override { return now_; }
  void post(Task work) override { posted_.push_back(std::move(work)); }
  std::unique_ptr<Timer> make_timer(std::function<void()> fire) override {
    return std::make_unique<FakeTimer>(*this, std::move(fire));
  }

  /// Runs what was posted, and what that posts.
  void settle() {
    while (!posted_.empty()) {
      Task work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
  }
  /// Lets time pass: timers fire at their deadlines, in order.
  void advance(Duration by) {
    const Time until = now_ + by;
    settle();
    while (FakeTimer* const timer = next_before(until)) {
      now_ = std::max(now_, timer->deadline);
      timer->deadline = kNever;
      const auto fire = timer->fire;  // the timer may be destroyed within
      fire();
      settle();
    }
    now_ = until;
  }

 private:
  struct FakeTimer final : Timer {
    FakeTimer(FakeLoop& l, std::function<void()> f) : loop{l}, fire{std::move(f)} {
      loop.timers_.push_back(this);
    }
    ~FakeTimer() override { std::erase(loop.timers_, this); }
    void arm(Time at) override { deadline = at; }
    void cancel() override { deadline = kNever; }
    FakeLoop& loop;
    std::function<void()> fire;
    Time deadline = kNever;
  };

  FakeTimer* next_before(Time until) const {
    const auto first =
        std::min_element(timers_.begin(), timers_.end(),
                         [](const FakeTimer* a, const FakeTimer* b) { return a->deadline < b->deadline; });
    return first == timers_.end() || (*first)->deadline > until ? nullptr : *first;
  }

  Time now_{std::chrono::hours{1}};
  std::deque<Task> posted_;
  std::vector<FakeTimer*> timers_;
};

}  // namespace penstock
