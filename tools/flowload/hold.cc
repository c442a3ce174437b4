#include "flowload/hold.h"

#include <algorithm>
#include <deque>
#include <string>

#include "flowload/echo_flow.h"
#include "flowload/report.h"
#include "flowload/socket.h"

namespace penstock::flowload {
namespace {

/// Takes every flow through a step, `concurrency` of them at once: first to open, in the end to echo.
class Hold final : public EchoFlowOwner {
 public:
  explicit Hold(const Options& options) : options_{options} {}

  Result<bool> run();

  void on_echo(EchoFlow& flow) override {
    --stepping_;
    round_trips_.add(Clock::now() - flow.since());
  }
  void on_ended(EchoFlow&) override {}
  void on_failed(EchoStep step, const Error& error) override {
    if (step != EchoStep::kOpen) --stepping_;
    if (failed_++ == 0) first_error_ = error.what;
  }

 private:
  Result<void> open_all();
  Result<void> hold();
  Result<void> echo_all();
  Result<void> await_room(std::uint32_t most_stepping);
  Result<void> wait(Time until);
  void print(std::string_view event, Duration taken) const;

  const Options& options_;
  Poller poller_;
  std::deque<EchoFlow> flows_;
  std::uint32_t stepping_ = 0;
  std::uint64_t failed_ = 0;
  std::string first_error_;
  Distribution round_trips_;  // of the step that runs
  Time next_sweep_{};
};

Result<void> Hold::wait(Time until) {
  if (!poller_.wait(until)) return error(Errc::kUnavailable, "stopped by a signal");
  const Time now = Clock::now();
  if (now < next_sweep_) return {};
  for (EchoFlow& flow : flows_) flow.check(now);
  next_sweep_ = now + kSweep;
  return {};
}

Result<void> Hold::await_room(std::uint32_t most_stepping) {
  while (stepping_ > most_stepping) {  // kPatience bounds this
    if (auto waited = wait(Clock::now() + kSweep); !waited) return waited;
  }
  return {};
}

Result<void> Hold::open_all() {
  for (std::uint32_t i = 0; i < options_.flows; ++i) {
    if (auto room = await_room(options_.concurrency - 1); !room) return room;
    ++stepping_;
    flows_.emplace_back(poller_, *this).open(options_.connect, options_.source_of(i));
  }
  return await_room(0);
}

Result<void> Hold::hold() {
  const Time end = Clock::now() + std::chrono::seconds{options_.seconds};
  while (Clock::now() < end) {
    if (auto waited = wait(end); !waited) return waited;
  }
  return {};
}

Result<void> Hold::echo_all() {
  round_trips_ = {};
  for (EchoFlow& flow : flows_) {
    if (auto room = await_room(options_.concurrency - 1); !room) return room;
    if (flow.step() != EchoStep::kOpen) continue;  // failed before
    ++stepping_;
    flow.echo();
  }
  return await_room(0);
}

void Hold::print(std::string_view event, Duration taken) const {
  Report report{event};
  report.add("flows", flows_.size()).add("alive", round_trips_.count()).add("failed", failed_);
  report.add("seconds", seconds_of(taken)).add(round_trips_);
  if (failed_ > 0) report.add("first_error", first_error_);
  report.print();
}

Result<bool> Hold::run() {
  const Time begin = Clock::now();
  if (auto opened = open_all(); !opened) return opened.error();
  print("opened", Clock::now() - begin);
  if (auto held = hold(); !held) return held.error();
  const Time last = Clock::now();
  if (auto echoed = echo_all(); !echoed) return echoed.error();
  print("done", Clock::now() - last);
  return failed_ == 0;
}

}  // namespace

Result<bool> run_hold(const Options& options) {
  if (auto allowed = allow_descriptors(options.flows + kOtherDescriptors); !allowed) return allowed.error();
  return Hold{options}.run();
}

}  // namespace penstock::flowload
