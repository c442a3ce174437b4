#include "flowload/options.h"

#include <algorithm>
#include <array>

#include "options/option.h"

namespace penstock::flowload {
namespace {

using options::line_of;
using options::wrong;
using Option = options::Option<Options>;

Result<void> set_endpoint(Endpoint& out, std::string_view text) {
  auto parsed = Endpoint::parse(text);
  if (!parsed) return parsed.error();
  out = *parsed;
  return {};
}

template <std::uint32_t kLeast, std::uint32_t kMost>
Result<void> set_number(std::uint32_t& out, std::string_view text) {
  return options::set_number(out, text, kLeast, kMost);
}

Result<void> set_sources(Options& options, std::string_view text) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    auto address = IpAddress::parse(text.substr(begin, end - begin));
    if (!address) return address.error();
    options.sources.push_back(*address);
    begin = end + 1;
  }
  return {};
}

Result<void> set_on(bool& out, std::string_view) {
  out = true;
  return {};
}

Result<void> set_direction(Options& options, std::string_view text) {
  const auto direction = parse_direction(text);
  if (!direction) return wrong("must be up, down or both");
  options.direction = *direction;
  return {};
}

constexpr std::array kOptions = {
    Option{"listen", "ADDR:PORT", "where to accept flows or datagrams",
           [](Options& o, std::string_view text) { return set_endpoint(o.listen, text); }},
    Option{"connect", "ADDR:PORT", "where to open flows or send datagrams to",
           [](Options& o, std::string_view text) { return set_endpoint(o.connect, text); }},
    Option{"sources", "ADDR,...", "local addresses to use in turn", set_sources},
    Option{"seconds", "S", "how long to run, 1 to 86400 (clients: 10; servers: until SIGINT or SIGTERM)",
           [](Options& o, std::string_view text) { return set_number<1, 86400>(o.seconds, text); }},
    Option{"concurrency", "N", "flows being made at once, 1 to 4096 (rate: 1, one after the other; hold: 64)",
           [](Options& o, std::string_view text) { return set_number<1, 4096>(o.concurrency, text); }},
    Option{"flows", "N", "how many flows, 1 to 1000000 (1)",
           [](Options& o, std::string_view text) { return set_number<1, 1'000'000>(o.flows, text); }},
    Option{"max-flows", "N", "flows served at once, 1 to 1000000 (16384); more are closed",
           [](Options& o, std::string_view text) { return set_number<1, 1'000'000>(o.max_flows, text); }},
    Option{"interval-ms", "MS", "from one ping to the next, 1 to 60000 (5)",
           [](Options& o, std::string_view text) { return set_number<1, 60'000>(o.interval_ms, text); }},
    Option{"rate-total", "MBIT", "Mbit/s of all flows together, in each direction, 1 to 1000000 (no limit)",
           [](Options& o, std::string_view text) { return set_number<1, 1'000'000>(o.rate_total, text); }},
    Option{"direction", "up|down|both", "up is from us to the server (up)", set_direction},
    Option{"ports", "N", "so many ports in a row, 1 to 1000 (1)",
           [](Options& o, std::string_view text) { return set_number<1, 1000>(o.ports, text); }},
    Option{"sink", "", "count, and send nothing back",
           [](Options& o, std::string_view text) { return set_on(o.sink, text); }},
    Option{"proxy-v2", "", "every datagram begins with a PROXY v2 header; send back what follows it",
           [](Options& o, std::string_view text) { return set_on(o.proxy_v2, text); }},
    Option{"size", "BYTES", "of a datagram, 16 to 65507 (60)",
           [](Options& o, std::string_view text) { return set_number<16, 65507>(o.size, text); }},
    Option{"mixed", "", "datagrams of all sizes from 16 bytes to --size, in no order",
           [](Options& o, std::string_view text) { return set_on(o.mixed, text); }},
    Option{"sessions", "N", "pairs of a client's and a server's port, 1 to 1000000 (1)",
           [](Options& o, std::string_view text) { return set_number<1, 1'000'000>(o.sessions, text); }},
    Option{"first-port", "PORT", "local ports from here on, the same in every run (the kernel's choice)",
           [](Options& o, std::string_view text) { return set_number<1, 65535>(o.first_port, text); }},
    Option{"window", "N", "datagrams unanswered at once, 1 to 100000; lost after 200 ms (no limit)",
           [](Options& o, std::string_view text) { return set_number<1, 100'000>(o.window, text); }},
    Option{"rate", "N", "datagrams a second, 1 to 100000000 (as fast as it goes)",
           [](Options& o, std::string_view text) { return set_number<1, 100'000'000>(o.rate, text); }},
    Option{"datagrams", "N", "end after so many, 1 to 1000000000 (when the time is over)",
           [](Options& o, std::string_view text) { return set_number<1, 1'000'000'000>(o.datagrams, text); }},
};

const Option* find_option(std::string_view name) {
  const auto* found = std::ranges::find(kOptions, name, &Option::name);
  return found == kOptions.end() ? nullptr : found;
}

bool takes(const Command& command, std::string_view name) {
  return std::ranges::count(command.required, name) + std::ranges::count(command.optional, name) > 0;
}

}  // namespace

std::optional<IpAddress> Options::source_of(std::uint64_t index) const {
  if (sources.empty()) return std::nullopt;
  return sources[index % sources.size()];
}

Result<Options> parse_options(const Command& command, std::span<const char* const> arguments) {
  Options options = command.defaults;
  const auto find = [&](std::string_view name) { return takes(command, name) ? find_option(name) : nullptr; };
  const auto unknown = [&](const std::string& argument) {
    return std::string{command.name} + " does not take '" + argument + "'";
  };
  const auto given = options::read_into(options, arguments, find, unknown);
  if (!given) return given.error();
  for (const std::string_view name : command.required) {
    if (!given->contains(name)) return wrong(std::string{command.name} + " needs --" + std::string{name});
  }
  return options;
}

std::string help(const Command& command) {
  std::string page = "flowload " + std::string{command.name} + ": " + std::string{command.summary} + "\n";
  for (const std::string_view name : command.required) page += line_of(*find_option(name));
  for (const std::string_view name : command.optional) page += line_of(*find_option(name));
  return page;
}

}  // namespace penstock::flowload
