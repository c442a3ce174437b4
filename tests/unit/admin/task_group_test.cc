#include "admin/task_group.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <stdexcept>

#include "admin/wakeup.h"

namespace penstock {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Coroutines for the group to own.
class TaskGroupTest : public testing::Test {
 protected:
  struct Unwound {
    explicit Unwound(int& counter) : count{counter} {}
    ~Unwound() { ++count; }
    int& count;
  };

  asio::awaitable<void> sleep_forever() {
    const Unwound unwound{ended_};
    asio::steady_timer timer{io_};
    for (;;) {
      boost::system::error_code ignored;  // does not look, and yet must end
      timer.expires_after(1h);
      co_await timer.async_wait(into(ignored));
      ++turns_;
    }
  }
  asio::awaitable<void> end_at_once() {
    ++ended_;
    co_return;
  }
  asio::awaitable<void> fail() {
    throw std::runtime_error{"a bug"};
    co_return;
  }
  asio::awaitable<void> wait_for(Wakeup& wakeup, Duration at_most) { told_ = co_await wakeup.wait(at_most); }

  asio::io_context io_;
  int ended_ = 0;
  int turns_ = 0;
  std::optional<bool> told_;
};

TEST_F(TaskGroupTest, OwnsACoroutineUntilItsEnd) {
  TaskGroup tasks{io_.get_executor()};
  tasks.spawn(end_at_once());
  EXPECT_FALSE(tasks.empty());
  io_.run();
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(ended_, 1);
}

TEST_F(TaskGroupTest, CancelUnwindsCoroutinesThatIgnoreErrors) {
  TaskGroup tasks{io_.get_executor()};
  for (int i = 0; i < 3; ++i) tasks.spawn(sleep_forever());
  io_.poll();
  tasks.cancel();
  io_.run();
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(ended_, 3);
  EXPECT_EQ(turns_, 3);
}

TEST_F(TaskGroupTest, CancelReachesACoroutineThatHasNotBegun) {
  TaskGroup tasks{io_.get_executor()};
  tasks.spawn(sleep_forever());
  tasks.cancel();
  io_.run();
  EXPECT_TRUE(tasks.empty());
}

TEST_F(TaskGroupTest, NothingBeginsAfterCancel) {
  TaskGroup tasks{io_.get_executor()};
  tasks.cancel();
  tasks.spawn(end_at_once());
  io_.run();
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(ended_, 0);
}

using TaskGroupDeathTest = TaskGroupTest;

TEST_F(TaskGroupDeathTest, LeavesNoCoroutineBehind) {
  EXPECT_DEATH(
      {
        TaskGroup tasks{io_.get_executor()};
        tasks.spawn(end_at_once());
      },
      "a coroutine is left");
}

TEST_F(TaskGroupDeathTest, AnotherExceptionEndsTheProcess) {
  EXPECT_DEATH(
      {
        TaskGroup tasks{io_.get_executor()};
        tasks.spawn(fail());
        io_.run();
      },
      "a bug");
}

TEST_F(TaskGroupTest, WakeupRemembersANoticeThatCameEarly) {
  TaskGroup tasks{io_.get_executor()};
  Wakeup wakeup{io_.get_executor()};
  wakeup.notify();
  io_.run();
  io_.restart();
  tasks.spawn(wait_for(wakeup, 1h));
  io_.run();
  EXPECT_EQ(told_, true);

  io_.restart();
  tasks.spawn(wait_for(wakeup, 1ms));  // and forgets it then
  io_.run();
  EXPECT_EQ(told_, false);
}

TEST_F(TaskGroupTest, ANoticeMayOutliveTheWaiter) {
  std::optional<Wakeup> wakeup{std::in_place, io_.get_executor()};
  wakeup->notify();
  wakeup.reset();
  EXPECT_EQ(io_.run(), 1u);
}

}  // namespace
}  // namespace penstock
