#include "flowload/rate.h"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "flowload/echo_flow.h"
#include "flowload/report.h"
#include "flowload/socket.h"

namespace penstock::flowload {
namespace {

/// Keeps `concurrency` flows being made until the time is over, then lets those under way end.
class Rate final : public EchoFlowOwner {
 public:
  explicit Rate(const Options& options) : options_{options} {}

  Result<bool> run();

  void on_echo(EchoFlow& flow) override {
    to_echo_.add(Clock::now() - flow.opened());
    flow.end();
  }
  void on_ended(EchoFlow& flow) override {
    ++flows_;
    again_.push_back(&flow);
  }
  void on_failed(EchoStep, const Error& error) override {  // the sweep opens it again
    if (failed_++ == 0) first_error_ = error.what;
  }

 private:
  void open(EchoFlow& flow) { flow.open(options_.connect, options_.source_of(opened_++)); }
  void open_again();
  void sweep(bool reopen);
  void print(Duration taken) const;

  const Options& options_;
  Poller poller_;
  std::deque<EchoFlow> slots_;
  std::vector<EchoFlow*> again_;  // ended in this round
  std::uint64_t opened_ = 0;
  std::uint64_t flows_ = 0;
  std::uint64_t failed_ = 0;
  std::string first_error_;
  Distribution to_echo_;
};

void Rate::open_again() {
  for (EchoFlow* flow : again_) open(*flow);
  again_.clear();
}

void Rate::sweep(bool reopen) {
  const Time now = Clock::now();
  for (EchoFlow& flow : slots_) {
    flow.check(now);
    if (reopen && flow.step() == EchoStep::kClosed) open(flow);
  }
}

Result<bool> Rate::run() {
  for (std::uint32_t i = 0; i < options_.concurrency; ++i) open(slots_.emplace_back(poller_, *this));
  const Time begin = Clock::now();
  const Time end = begin + std::chrono::seconds{options_.seconds};
  Time next_sweep = begin + kSweep;
  for (Time now = begin; now < end; now = Clock::now()) {
    if (!poller_.wait(std::min(next_sweep, end))) return error(Errc::kUnavailable, "stopped by a signal");
    open_again();
    if (now < next_sweep) continue;
    sweep(true);
    next_sweep = now + kSweep;
  }
  const auto open_flow = [](const EchoFlow& flow) { return flow.step() != EchoStep::kClosed; };
  while (std::ranges::any_of(slots_, open_flow)) {  // kPatience bounds this
    if (!poller_.wait(Clock::now() + kSweep)) return error(Errc::kUnavailable, "stopped by a signal");
    sweep(false);
  }
  print(Clock::now() - begin);
  return failed_ == 0;
}

void Rate::print(Duration taken) const {
  Report report{"done"};
  report.add("concurrency", options_.concurrency).add("flows", flows_).add("failed", failed_);
  report.add("seconds", seconds_of(taken)).add("per_second", static_cast<double>(flows_) / seconds_of(taken));
  report.add(to_echo_);
  if (failed_ > 0) report.add("first_error", first_error_);
  report.print();
}

}  // namespace

Result<bool> run_rate(const Options& options) {
  if (auto allowed = allow_descriptors(options.concurrency + kOtherDescriptors); !allowed)
    return allowed.error();
  return Rate{options}.run();
}

}  // namespace penstock::flowload
