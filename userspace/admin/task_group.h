// Ownership of coroutines: nothing is detached.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <list>

#include "base/error.h"

namespace penstock {

/// Completion token of a coroutine: the operation's error goes to `error` instead of being thrown.
inline auto into(boost::system::error_code& error) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, error);
}

/// Owns coroutines of one loop. cancel() asks all of them to end: what they wait for fails with
/// operation_aborted, and each co_await after that throws it, which unwinds the coroutine (the group expects
/// that exception). Any other exception is a bug and ends the process. Belongs to the loop's thread.
class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  /// Aborts when a coroutine is left: cancel(), then let the loop run until empty().
  ~TaskGroup();

  /// Starts `task` on the loop; after cancel() it is dropped unstarted.
  void spawn(boost::asio::awaitable<void> task);
  void cancel();
  bool empty() const { return running_.empty(); }

 private:
  using Running = std::list<boost::asio::cancellation_signal>;

  struct Ended {
    Ended(Running& list, Running::iterator own) : running{list}, at{own} {}
    void operator()(const std::exception_ptr& thrown) const;
    Running& running;
    Running::iterator at;
  };

  boost::asio::any_io_executor executor_;
  Running running_;
  bool cancelled_ = false;
};

}  // namespace penstock
