#include "admin/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace penstock {
namespace {

namespace asio = boost::asio;

[[noreturn]] void bug(const char* what) {
  std::fprintf(stderr, "penstock: task group: %s\n", what);
  std::abort();
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor) : executor_{std::move(executor)} {}

TaskGroup::~TaskGroup() {
  if (!running_.empty()) bug("destroyed while a coroutine is left");
}

void TaskGroup::spawn(asio::awaitable<void> task) {
  if (cancelled_) return;
  const auto at = running_.emplace(running_.end());
  Ended ended{running_, at};
  asio::co_spawn(executor_, std::move(task), asio::bind_cancellation_slot(at->slot(), std::move(ended)));
}

void TaskGroup::cancel() {
  cancelled_ = true;
  if (running_.empty()) return;
  // Within the loop only: from outside, Asio would post each signal to a coroutine that may be gone by then.
  asio::dispatch(executor_, [this] {
    for (auto& signal : running_) signal.emit(asio::cancellation_type::terminal);
  });
}

void TaskGroup::Ended::operator()(const std::exception_ptr& thrown) const {
  running.erase(at);
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& failure) {
    if (failure.code() != asio::error::operation_aborted) bug(failure.what());
  } catch (const std::exception& failure) {
    bug(failure.what());
  }
}

}  // namespace penstock
