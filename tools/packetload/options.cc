#include "packetload/options.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "options/option.h"

namespace penstock::packetload {
namespace {

using options::set_number;
using options::wrong;
using Option = options::Option<Options>;

template <class T>
Result<void> keep(T& out, Result<T> parsed) {
  if (!parsed) return parsed.error();
  out = std::move(*parsed);
  return {};
}

Result<void> set_mac(Options& options, std::string_view text) {
  return keep(options.mac, parse_mac(text));
}

Result<void> set_connect(Options& options, std::string_view text) {
  if (auto kept = keep(options.connect, Endpoint::parse(text)); !kept) return kept;
  if (!options.connect.address.is_v4() || options.connect.port == 0)
    return wrong("must be an IPv4 address and a port");
  return {};
}

Result<void> set_sources(Options& options, std::string_view text) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    auto address = IpAddress::parse(text.substr(begin, end - begin));
    if (!address) return address.error();
    if (!address->is_v4()) return wrong("must be IPv4 addresses");
    options.sources.push_back(*address);
    begin = end + 1;
  }
  if (options.sources.size() > kMostSources)
    return wrong("must be " + std::to_string(kMostSources) + " at most");
  return {};
}

Result<void> set_random_sources(Options& options, std::string_view text) {
  const auto prefix = AddressPrefix::parse(text);
  if (!prefix) return prefix.error();
  if (!prefix->address.is_v4() || prefix->bits > 31) return wrong("must be a prefix of IPv4, /31 at most");
  options.random_sources = *prefix;
  return {};
}

constexpr std::array kOptions = {
    Option{
        "interface", "NAME", "where the frames leave; its other end must take redirected frames",
        [](Options& o, std::string_view text) -> Result<void> { return o.interface = text, Result<void>{}; }},
    Option{"mac", "XX:XX:XX:XX:XX:XX", "whose frames they are: the next hop's address", set_mac},
    Option{"connect", "ADDR:PORT", "where the datagrams go to; IPv4", set_connect},
    Option{"sources", "ADDR,...", "where they claim to come from, in turn; up to 64 of IPv4", set_sources},
    Option{"random-sources", "PREFIX", "instead: another address of it, and another port, for every datagram",
           set_random_sources},
    Option{"strangers", "N", "both: so many from --random-sources after each from --sources, 1 to 1000",
           [](Options& o, std::string_view text) { return set_number(o.strangers, text, 1U, 1000U); }},
    Option{"ports", "N", "in a row, from that of --connect on, 1 to 1000 (1)",
           [](Options& o, std::string_view text) { return set_number(o.ports, text, 1U, 1000U); }},
    Option{"sessions", "N", "of source address, source port and port, in turn, 1 to 1000000 (1)",
           [](Options& o, std::string_view text) { return set_number(o.sessions, text, 1U, 1'000'000U); }},
    Option{"first-port", "PORT", "ports of each source from here on (1024)",
           [](Options& o, std::string_view text) { return set_number(o.first_port, text, 1U, 65535U); }},
    Option{"size", "BYTES", "of a datagram, 16 to 1472 (60)",
           [](Options& o, std::string_view text) { return set_number(o.size, text, kLeastSize, kMostSize); }},
    Option{"mixed", "", "datagrams of all sizes from 16 bytes to --size, in turn",
           [](Options& o, std::string_view) { return o.mixed = true, Result<void>{}; }},
    Option{"rate", "N",
           "datagrams a second, 1 to 100000000 (as fast as it goes); a core is busy all the same",
           [](Options& o, std::string_view text) {
             return set_number<std::uint64_t>(o.rate, text, 1, 100'000'000);
           }},
    Option{"datagrams", "N", "end after so many, 1 to 1000000000000 (when the time is over)",
           [](Options& o, std::string_view text) {
             return set_number<std::uint64_t>(o.datagrams, text, 1, 1'000'000'000'000);
           }},
    Option{"seconds", "S", "how long to run at most, 1 to 86400 (10)",
           [](Options& o, std::string_view text) { return set_number(o.seconds, text, 1U, 86'400U); }},
};

/// What no option can see by itself.
Result<void> check(const Options& options, const std::set<std::string_view>& given) {
  for (const std::string_view name : {"interface", "mac", "connect"}) {
    if (!given.contains(name)) return wrong("--" + std::string{name} + " is needed");
  }
  const bool both = !options.sources.empty() && options.random_sources;
  if ((options.sources.empty() && !options.random_sources) || both != given.contains("strangers"))
    return wrong("either --sources or --random-sources is needed, or both with --strangers");
  if (options.sources.empty() && (given.contains("sessions") || given.contains("first-port")))
    return wrong("--random-sources makes no sessions: leave out --sessions and --first-port");
  const std::size_t sources = std::max<std::size_t>(options.sources.size(), 1);
  if (options.connect.port + options.ports > 65536U) return wrong("--ports leads beyond port 65535");
  if (options.first_port + (options.sessions - 1) / (sources * options.ports) > 65535)
    return wrong("so many sessions need more --sources, more --ports or a lower --first-port");
  return {};
}

}  // namespace

Result<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac{};
  constexpr std::size_t kLength = 17;
  bool good = text.size() == kLength;
  for (std::size_t i = 0; good && i < mac.size(); ++i) {
    const char* const begin = text.data() + 3 * i;
    const auto [end, failed] = std::from_chars(begin, begin + 2, mac[i], 16);
    good = failed == std::errc{} && end == begin + 2 && (i + 1 == mac.size() || *end == ':');
  }
  if (!good) return wrong("must be a hardware address such as 02:00:00:00:00:01");
  return mac;
}

Result<Options> parse_options(std::span<const char* const> arguments) {
  Options options;
  const auto find = [](std::string_view name) -> const Option* {
    const auto* const found = std::ranges::find(kOptions, name, &Option::name);
    return found == kOptions.end() ? nullptr : found;
  };
  const auto unknown = [](const std::string& argument) { return "there is no option '" + argument + "'"; };
  const auto given = options::read_into(options, arguments, find, unknown);
  if (!given) return given.error();
  if (auto checked = check(options, *given); !checked) return checked.error();
  return options;
}

std::string help() {
  std::string page =
      "packetload OPTIONS: UDP datagrams that the kernel makes itself, as many as a network brings; needs "
      "root\n\n"
      "Frames are sent out of an interface of this network namespace, from addresses that need not be ours.\n"
      "Nothing waits for answers. What they hold is zeros. Use it on networks of your own.\n\n";
  for (const Option& option : kOptions) page += options::line_of(option);
  return page +
         "\nPrints one line of JSON: sent, seconds, per_second; processor and machine_processor are seconds "
         "of all\n"
         "cores, of this process and of everything. What the other end did with a frame at once, such as a "
         "program\n"
         "on a veth pair, is of this process. Exit status: 0 sent; 1 failed; 2 the command line is wrong.\n";
}

}  // namespace penstock::packetload
