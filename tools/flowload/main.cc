// flowload: puts TCP or UDP load on a path and tells what came of it, one line of JSON for each report.
#include <array>
#include <cstdio>
#include <string>

#include "base/text.h"
#include "flowload/bulk_client.h"
#include "flowload/bulk_server.h"
#include "flowload/echo_server.h"
#include "flowload/hold.h"
#include "flowload/options.h"
#include "flowload/ping.h"
#include "flowload/rate.h"
#include "flowload/udp_echo.h"
#include "flowload/udp_load.h"

namespace penstock::flowload {
namespace {

enum Exit { kOk = 0, kFailed = 1, kUsage = 2 };

const std::array<Command, 8>& commands() {
  static const Options server{};
  static const Options client{.seconds = 10};
  static const Options holder{.seconds = 10, .concurrency = 64};
  static const std::array<Command, 8> table{{
      {"echo-server",
       "send back what arrives",
       {"listen"},
       {"max-flows", "seconds"},
       server,
       run_echo_server},
      {"bulk-server", "the far end of bulk", {"listen"}, {"max-flows", "seconds"}, server, run_bulk_server},
      {"rate",
       "open, echo a byte, end in order, again and again (needs an echo server)",
       {"connect"},
       {"seconds", "concurrency", "sources"},
       client,
       run_rate},
      {"ping",
       "one-byte round trips on one flow (needs an echo server)",
       {"connect"},
       {"seconds", "interval-ms", "sources"},
       client,
       run_ping},
      {"bulk",
       "saturated or paced flows, counted where they arrive (needs bulk-server)",
       {"connect"},
       {"flows", "seconds", "rate-total", "direction", "sources"},
       client,
       run_bulk},
      {"hold",
       "idle flows, proved alive by an echo first and last (needs an echo server)",
       {"connect"},
       {"flows", "seconds", "concurrency", "sources"},
       holder,
       run_hold},
      {"udp-echo",
       "send datagrams back to where they came from",
       {"listen"},
       {"ports", "sink", "proxy-v2", "seconds"},
       server,
       run_udp_echo},
      {"udp-load",
       "datagrams of many sessions in turn, and what came back of them (needs udp-echo)",
       {"connect"},
       {"ports", "size", "mixed", "sessions", "sources", "first-port", "window", "rate", "datagrams",
        "seconds"},
       client,
       run_udp_load},
  }};
  return table;
}

void print_help() {
  std::puts("flowload COMMAND [OPTIONS]: TCP and UDP load, with reports in JSON on standard output\n");
  for (const Command& command : commands()) std::puts(help(command).c_str());
  std::puts(
      "Exit status: 0 every flow did what it should; 1 some did not, or a datagram came back to another "
      "session; 2 the command line is wrong.");
}

int complain(const std::string& what, Exit status) {
  std::fprintf(stderr, "flowload: %s\n", what.c_str());
  return status;
}

int run(const Command& command, std::span<const char* const> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument != "--help") continue;
    std::fputs(help(command).c_str(), stdout);
    return kOk;
  }
  auto options = parse_options(command, arguments);
  if (!options)
    return complain(options.error().what + " (see flowload " + std::string{command.name} + " --help)",
                    kUsage);
  auto done = command.run(*options);
  if (!done) return complain(std::string{command.name} + ": " + done.error().what, kFailed);
  return *done ? kOk : kFailed;
}

int dispatch(std::span<const char* const> arguments) {
  if (arguments.empty()) return complain("which command? See flowload --help", kUsage);
  const std::string_view name = arguments.front();
  if (name == "--help" || name == "help") {
    print_help();
    return kOk;
  }
  for (const Command& command : commands()) {
    if (command.name == name) return run(command, arguments.subspan(1));
  }
  return complain("no command '" + printable(name, 40) + "'. See flowload --help", kUsage);
}

}  // namespace
}  // namespace penstock::flowload

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  return penstock::flowload::dispatch(
      std::span<const char* const>{arguments.data() + 1, arguments.empty() ? 0 : arguments.size() - 1});
}
