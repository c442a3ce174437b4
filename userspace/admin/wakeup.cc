#include "admin/wakeup.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "admin/task_group.h"

namespace penstock {

struct Wakeup::State {
  explicit State(const boost::asio::any_io_executor& executor) : timer{executor} {}
  boost::asio::steady_timer timer;
  bool notified = false;
};

Wakeup::Wakeup(boost::asio::any_io_executor executor)
    : executor_{std::move(executor)}, state_{std::make_shared<State>(executor_)} {}

void Wakeup::notify() const {
  boost::asio::post(executor_, [state = state_] {
    state->notified = true;
    state->timer.cancel();
  });
}

boost::asio::awaitable<bool> Wakeup::wait(Duration at_most) {
  if (!state_->notified) {
    boost::system::error_code ignored;  // cancelled by a notice, or by the task group: the flag tells
    state_->timer.expires_after(at_most);
    co_await state_->timer.async_wait(into(ignored));
  }
  co_return std::exchange(state_->notified, false);
}

}  // namespace penstock
