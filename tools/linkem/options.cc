#include "linkem/options.h"

#include <algorithm>
#include <array>

#include "options/option.h"

namespace penstock::linkem {
namespace {

using options::set_number;
using options::wrong;
using Option = options::Option<Options>;

constexpr std::uint64_t kMegabit = 1'000'000;
constexpr std::uint64_t kMostMemory = 1ULL << 30;  // bytes of a line

Result<void> set_rate(Options& options, std::string_view text) {
  std::uint64_t megabits = 0;
  if (auto set = set_number<std::uint64_t>(megabits, text, 1, 10'000); !set) return set;
  options.impairments.rate = megabits * kMegabit;
  return {};
}

Result<void> set_delay(Options& options, std::string_view text) {
  std::uint32_t milliseconds = 0;
  if (auto set = set_number(milliseconds, text, 0U, 10'000U); !set) return set;
  options.impairments.delay = std::chrono::milliseconds{milliseconds};
  return {};
}

Result<void> set_loss(Options& options, std::string_view text) {
  const auto percent = parse_number<double>(text);
  if (!percent || !(*percent >= 0 && *percent <= 100)) return wrong("must be a number from 0 to 100");
  options.impairments.loss = *percent / 100;
  return {};
}

constexpr std::array kOptions = {
    Option{"left", "NAME", "one interface",
           [](Options& o, std::string_view text) -> Result<void> { return o.left = text, Result<void>{}; }},
    Option{"right", "NAME", "the other one",
           [](Options& o, std::string_view text) -> Result<void> { return o.right = text, Result<void>{}; }},
    Option{"rate", "MBIT", "Mbit/s of frames in each direction, 1 to 10000 (100)", set_rate},
    Option{"delay-ms", "MS", "from one end to the other, 0 to 10000 (0)", set_delay},
    Option{"loss", "PERCENT", "of the frames, at random, 0 to 100 (0); such as 0.1", set_loss},
    Option{"queue", "BYTES", "that may wait in each direction, 2048 to 1000000000 (512000); more are dropped",
           [](Options& o, std::string_view text) {
             return set_number<std::size_t>(o.impairments.queue, text, kLongestFrame, 1'000'000'000);
           }},
    Option{"seed", "N", "of what is lost, 0 to 4294967294 (1); the other direction has the next one",
           [](Options& o, std::string_view text) {
             return set_number<std::uint64_t>(o.impairments.seed, text, 0, 4294967294);
           }},
    Option{"seconds", "S", "how long to run, 1 to 86400 (until SIGINT or SIGTERM)",
           [](Options& o, std::string_view text) { return set_number(o.seconds, text, 1U, 86'400U); }},
};

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments) {
  Options options;
  const auto find = [](std::string_view name) -> const Option* {
    const auto* const found = std::ranges::find(kOptions, name, &Option::name);
    return found == kOptions.end() ? nullptr : found;
  };
  const auto unknown = [](const std::string& argument) { return "there is no option '" + argument + "'"; };
  const auto given = options::read_into(options, arguments, find, unknown);
  if (!given) return given.error();
  if (options.left.empty() || options.right.empty() || options.left == options.right)
    return wrong("two interfaces are needed, --left and --right");
  if (Line::memory_of(options.impairments) > kMostMemory)
    return wrong("so long a delay at such a rate, or such a queue, needs more than 1 GiB");
  return options;
}

std::string help() {
  std::string page =
      "linkem OPTIONS: a slow and lossy link between two interfaces of this network namespace; needs root\n\n"
      "Takes every frame that comes in at one and puts it out at the other. What sends to these interfaces "
      "must\n"
      "have no offloads (ethtool -K DEVICE tx off gso off tso off at the other end of a veth pair): frames "
      "are\n"
      "whole, with checksums, and of 2048 bytes at most. VLAN tags are not carried. No addresses are needed, "
      "and\n"
      "nothing else should use the interfaces.\n\n";
  for (const Option& option : kOptions) page += options::line_of(option);
  return page +
         "\nPrints a line of JSON when it has begun, and one at the end with the frames of each direction: "
         "passed,\n"
         "with their bytes; lost at random; dropped for a full queue; too_long; overrun, which came faster "
         "than we\n"
         "took them; refused by the interface. A lost frame used its share of the rate. Exit status: 0 done; "
         "1\n"
         "failed; 2 the command line is wrong.\n";
}

}  // namespace penstock::linkem
