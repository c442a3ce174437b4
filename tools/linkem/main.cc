// linkem: a slow and lossy link between two network interfaces, and how many frames became what.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <span>
#include <string>

#include "base/time.h"
#include "flowload/report.h"
#include "linkem/emulator.h"
#include "linkem/options.h"

namespace penstock::linkem {
namespace {

enum Exit { kOk = 0, kFailed = 1, kUsage = 2 };

volatile std::sig_atomic_t stopped = 0;

/// Blocks the signals that stop us, but in the mask that it returns.
sigset_t hold_signals() {
  sigset_t held{}, before{};
  ::sigemptyset(&held);
  for (const int number : {SIGINT, SIGTERM}) {
    std::signal(number, [](int) { stopped = 1; });
    ::sigaddset(&held, number);
  }
  ::sigprocmask(SIG_BLOCK, &held, &before);
  return before;
}

void add(flowload::Report& report, const std::string& name, const DirectionReport& direction) {
  report.add(name + "_passed", direction.line.passed).add(name + "_bytes", direction.line.bytes);
  report.add(name + "_lost", direction.line.lost).add(name + "_dropped", direction.line.dropped);
  report.add(name + "_too_long", direction.too_long).add(name + "_overrun", direction.overrun);
  report.add(name + "_refused", direction.refused);
}

Result<void> run(const Options& options) {
  const sigset_t waiting = hold_signals();
  auto emulator = Emulator::open(options);
  if (!emulator) return emulator.error();
  flowload::Report{"started"}.print();
  const Time begin = Clock::now();
  const Time end = options.seconds == 0 ? kNever : begin + std::chrono::seconds{options.seconds};
  if (auto done = emulator->run(end, stopped, waiting); !done) return done;
  flowload::Report report{"done"};
  report.add("seconds", flowload::seconds_of(Clock::now() - begin));
  add(report, "to_right", emulator->to_right());
  add(report, "to_left", emulator->to_left());
  report.print();
  return {};
}

int complain(const std::string& what, Exit status) {
  std::fprintf(stderr, "linkem: %s\n", what.c_str());
  return status;
}

int start(std::span<const char* const> arguments) {
  if (std::ranges::count(arguments, std::string_view{"--help"},
                         [](const char* text) { return std::string_view{text}; }) > 0) {
    std::fputs(help().c_str(), stdout);
    return kOk;
  }
  const auto options = parse_options(arguments);
  if (!options) return complain(options.error().what + " (see linkem --help)", kUsage);
  const auto done = run(*options);
  return done ? kOk : complain(done.error().what, kFailed);
}

}  // namespace
}  // namespace penstock::linkem

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  return penstock::linkem::start(
      std::span<const char* const>{arguments.data() + 1, arguments.empty() ? 0 : arguments.size() - 1});
}
