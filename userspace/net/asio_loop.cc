#include "net/asio_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace penstock {
namespace {

/// The state is shared with the handler that is under way, which may run after the timer was destroyed.
class AsioTimer final : public Timer {
 public:
  AsioTimer(boost::asio::io_context& context, std::function<void()> fire)
      : state_{std::make_shared<State>(context, std::move(fire))} {}
  ~AsioTimer() override { AsioTimer::cancel(); }

  void arm(Time at) override {
    const std::uint64_t turn = ++state_->turn;
    state_->timer.expires_at(at);
    state_->timer.async_wait([state = state_, turn](const boost::system::error_code& error) {
      if (error || turn != state->turn) return;
      const auto fire = state->fire;  // the timer may be destroyed within
      fire();
    });
  }

  void cancel() override {
    ++state_->turn;
    state_->timer.cancel();
  }

 private:
  struct State {
    State(boost::asio::io_context& context, std::function<void()> f) : timer{context}, fire{std::move(f)} {}
    boost::asio::steady_timer timer;
    std::function<void()> fire;
    std::uint64_t turn = 0;
  };
  std::shared_ptr<State> state_;
};

}  // namespace

void AsioLoop::run() {
  const auto guard = boost::asio::make_work_guard(context_);
  context_.run();
}

void AsioLoop::post(Task work) {
  boost::asio::post(context_, [task = std::move(work)]() mutable { task(); });
}

std::unique_ptr<Timer> AsioLoop::make_timer(std::function<void()> fire) {
  return std::make_unique<AsioTimer>(context_, std::move(fire));
}

}  // namespace penstock
