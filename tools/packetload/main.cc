// packetload: floods a network with UDP datagrams that a kernel program makes, and prints how many it were.
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <span>
#include <string>

#include "base/time.h"
#include "flowload/report.h"
#include "packetload/generator.h"
#include "packetload/options.h"

namespace penstock::packetload {
namespace {

enum Exit { kOk = 0, kFailed = 1, kUsage = 2 };

volatile std::sig_atomic_t stopped = 0;

/// Of all cores, in seconds since they started: what was not idle.
double machine_seconds() {
  std::FILE* const stat = std::fopen("/proc/stat", "re");
  std::array<unsigned long long, 8> t{};  // user, nice, system, idle, iowait, irq, softirq, steal
  const int read = stat == nullptr ? 0
                                   : std::fscanf(stat, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0],
                                                 &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
  if (stat != nullptr) std::fclose(stat);
  constexpr double kTicks = 100;  // USER_HZ, which is part of the interface
  return read == 8 ? static_cast<double>(t[0] + t[1] + t[2] + t[5] + t[6]) / kTicks : 0;
}

double own_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

Result<void> run(const Options& options) {
  auto generator = Generator::load(options);
  if (!generator) return generator.error();
  const Time begin = Clock::now();
  const double machine = machine_seconds(), own = own_seconds();
  if (auto sent = generator->send_until(begin + std::chrono::seconds{options.seconds}, stopped); !sent)
    return sent;
  const double seconds = std::max(flowload::seconds_of(Clock::now() - begin), 1e-9);
  flowload::Report report{"done"};
  report.add("sessions", options.sessions).add("size", options.size).add("sent", generator->made());
  report.add("of_sessions", generator->made_of_sessions());
  report.add("seconds", seconds).add("per_second", static_cast<double>(generator->made()) / seconds);
  report.add("processor", own_seconds() - own).add("machine_processor", machine_seconds() - machine).print();
  return {};
}

int complain(const std::string& what, Exit status) {
  std::fprintf(stderr, "packetload: %s\n", what.c_str());
  return status;
}

int start(std::span<const char* const> arguments) {
  if (std::ranges::count(arguments, std::string_view{"--help"},
                         [](const char* text) { return std::string_view{text}; }) > 0) {
    std::fputs(help().c_str(), stdout);
    return kOk;
  }
  const auto options = parse_options(arguments);
  if (!options) return complain(options.error().what + " (see packetload --help)", kUsage);
  for (const int number : {SIGINT, SIGTERM}) std::signal(number, [](int) { stopped = 1; });
  const auto done = run(*options);
  return done ? kOk : complain(done.error().what, kFailed);
}

}  // namespace
}  // namespace penstock::packetload

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  return penstock::packetload::start(
      std::span<const char* const>{arguments.data() + 1, arguments.empty() ? 0 : arguments.size() - 1});
}
