// One coroutine waits, any thread wakes it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/time.h"

namespace penstock {

/// Lets any thread wake the one coroutine that waits on it. The loop must live whenever notify() is called.
class Wakeup {
 public:
  explicit Wakeup(boost::asio::any_io_executor executor);
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// Any thread. Counts once, also when nobody waits yet.
  void notify() const;
  /// On the loop's thread: true when notified since the last wait; false when `at_most` passed, or the task
  /// was cancelled in the meantime.
  boost::asio::awaitable<bool> wait(Duration at_most);

 private:
  struct State;
  boost::asio::any_io_executor executor_;
  std::shared_ptr<State> state_;  // shared with posted notices, which may run after the waiter is gone
};

}  // namespace penstock
