// The real loop: one io_context, run by one thread.
#pragma once

#include <boost/asio/io_context.hpp>

#include "net/loop.h"

namespace penstock {

class AsioLoop final : public Loop {
 public:
  AsioLoop() : context_{1} {}
  /// Runs until stop().
  void run();
  /// Any thread.
  void stop() { context_.stop(); }
  boost::asio::io_context& context() { return context_; }

  Time now() const override { return Clock::now(); }
  void post(Task work) override;
  std::unique_ptr<Timer> make_timer(std::function<void()> fire) override;

 private:
  boost::asio::io_context context_;
};

}  // namespace penstock
