// An event loop as its users see it: time, timers and work handed over from other threads.
// AsioLoop is the real one; tests/support has one in virtual time.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/time.h"

namespace penstock {

/// Work to be run once; may own what cannot be copied.
class Task {
 public:
  Task() = default;
  // Implicit as std::function is, and constrained, which clang-tidy does not see.
  // NOLINTBEGIN(bugprone-forwarding-reference-overload)
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Task>) Task(F&& work)
      : body_{std::make_unique<Body<std::decay_t<F>>>(std::forward<F>(work))} {}
  // NOLINTEND(bugprone-forwarding-reference-overload)

  void operator()() { std::exchange(body_, nullptr)->run(); }
  explicit operator bool() const { return body_ != nullptr; }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void run() = 0;
  };
  template <class F>
  struct Body final : Base {
    explicit Body(F&& f) : work{std::move(f)} {}
    explicit Body(const F& f) : work{f} {}
    void run() override { work(); }
    F work;
  };
  std::unique_ptr<Base> body_;
};

/// A deadline that can be moved. Destroying it cancels it: afterwards it never fires.
class Timer {
 public:
  virtual ~Timer() = default;
  /// Fires once at `at`, instead of any deadline set before.
  virtual void arm(Time at) = 0;
  virtual void cancel() = 0;
};

/// One thread's loop. Everything but post() belongs to that thread.
class Loop {
 public:
  virtual ~Loop() = default;
  virtual Time now() const = 0;
  /// Runs `work` on the loop's thread, after what was posted before. Any thread may call it.
  virtual void post(Task work) = 0;
  /// A timer that calls `fire` on the loop's thread. It may be destroyed within `fire`.
  virtual std::unique_ptr<Timer> make_timer(std::function<void()> fire) = 0;
};

}  // namespace penstock
