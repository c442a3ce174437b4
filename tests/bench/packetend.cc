// packetend: counts the datagrams of a measurement where they arrive, and drops, reflects or redirects them.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "base/time.h"
#include "flowload/report.h"
#include "options/option.h"
#include "packetend.skel.h"
#include "packetload/options.h"

namespace penstock {
namespace {

using options::set_number;
using options::wrong;
using packetload::MacAddress;
using packetload::parse_mac;

/// As the program numbers them.
constexpr std::array<std::string_view, 3> kActs{"drop", "reflect", "redirect"};

struct EndOptions {
  std::string interface {};
  std::uint32_t act = 0;
  std::uint32_t first_port = 0;
  std::uint32_t ports = 1;
  std::string out{};
  MacAddress next_mac{};
  MacAddress own_mac{};
};
using Option = options::Option<EndOptions>;

Result<void> set_act(EndOptions& options, std::string_view text) {
  const auto* const found = std::ranges::find(kActs, text);
  if (found == kActs.end()) return wrong("must be drop, reflect or redirect");
  options.act = static_cast<std::uint32_t>(found - kActs.begin());
  return {};
}

Result<void> set_mac(MacAddress& out, std::string_view text) {
  const auto mac = parse_mac(text);
  if (!mac) return mac.error();
  out = *mac;
  return {};
}

constexpr std::array kOptions = {
    Option{"interface", "NAME", "where the datagrams arrive",
           [](EndOptions& o, std::string_view text) -> Result<void> {
             return o.interface = text, Result<void>{};
           }},
    Option{"act", "WHAT", "drop, reflect or redirect (drop)", set_act},
    Option{"first-port", "PORT", "that they come from or go to; all else passes",
           [](EndOptions& o, std::string_view text) { return set_number(o.first_port, text, 1U, 65535U); }},
    Option{"ports", "N", "so many in a row (1)",
           [](EndOptions& o, std::string_view text) { return set_number(o.ports, text, 1U, 65535U); }},
    Option{"out", "NAME", "where redirected ones leave; its other end must take them",
           [](EndOptions& o, std::string_view text) -> Result<void> { return o.out = text, Result<void>{}; }},
    Option{"next-mac", "XX:XX:XX:XX:XX:XX", "whom those are sent to",
           [](EndOptions& o, std::string_view text) { return set_mac(o.next_mac, text); }},
    Option{"own-mac", "XX:XX:XX:XX:XX:XX", "... and from whom",
           [](EndOptions& o, std::string_view text) { return set_mac(o.own_mac, text); }},
};

Result<EndOptions> parse(std::span<const char* const> arguments) {
  EndOptions options;
  const auto find = [](std::string_view name) -> const Option* {
    const auto* const found = std::ranges::find(kOptions, name, &Option::name);
    return found == kOptions.end() ? nullptr : found;
  };
  const auto unknown = [](const std::string& argument) { return "there is no option '" + argument + "'"; };
  const auto given = options::read_into(options, arguments, find, unknown);
  if (!given) return given.error();
  if (!given->contains("interface") || !given->contains("first-port"))
    return wrong("--interface and --first-port are needed");
  if (kActs[options.act] == "redirect" && (!given->contains("out") || !given->contains("next-mac")))
    return wrong("to redirect takes --out and --next-mac");
  return options;
}

/// The program on its interface, until it is destroyed.
class End {
 public:
  static Result<End> attach(const EndOptions& options) {
    End end{packetend__open()};
    if (end.program_ == nullptr) return system_error("cannot open the kernel program", errno);
    auto& plan = *end.program_->rodata;
    plan.act = options.act;
    plan.first_port = options.first_port;
    plan.port_count = options.ports;
    plan.out_interface = ::if_nametoindex(options.out.c_str());
    std::ranges::copy(options.next_mac, plan.next_mac);
    std::ranges::copy(options.own_mac, plan.own_mac);
    if (packetend__load(end.program_) != 0) return system_error("the kernel refused the program", errno);
    const unsigned index = ::if_nametoindex(options.interface.c_str());
    end.link_ = ::bpf_program__attach_xdp(end.program_->progs.packetend, static_cast<int>(index));
    if (end.link_ == nullptr) return system_error("cannot attach to " + options.interface, errno);
    return end;
  }
  End(End&& other) noexcept
      : program_{std::exchange(other.program_, nullptr)}, link_{std::exchange(other.link_, nullptr)} {}
  End& operator=(End&&) = delete;
  ~End() {
    ::bpf_link__destroy(link_);
    packetend__destroy(program_);
  }

  /// Datagrams so far, of all CPUs.
  std::uint64_t counted() const {
    std::vector<std::uint64_t> counts(static_cast<std::size_t>(::libbpf_num_possible_cpus()));
    const std::uint32_t only = 0;
    ::bpf_map_lookup_elem(::bpf_map__fd(program_->maps.counted), &only, counts.data());
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }

 private:
  explicit End(struct ::packetend* program) : program_{program} {}

  struct ::packetend* program_;
  bpf_link* link_ = nullptr;
};

/// Answers each line of standard input by a count, until there are no more.
int run(std::span<const char* const> arguments) {
  const auto options = parse(arguments);
  if (!options) return std::fprintf(stderr, "packetend: %s\n", options.error().what.c_str()), 2;
  const auto end = End::attach(*options);
  if (!end) return std::fprintf(stderr, "packetend: %s\n", end.error().what.c_str()), 1;
  const Time begin = Clock::now();
  do {
    flowload::Report{"counted"}
        .add("datagrams", end->counted())
        .add("seconds", flowload::seconds_of(Clock::now() - begin))
        .print();
    for (int c = 0; c != '\n';) {
      c = std::getchar();
      if (c == EOF) return 0;
    }
  } while (true);
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  return penstock::run(
      std::span<const char* const>{arguments.data() + 1, arguments.empty() ? 0 : arguments.size() - 1});
}
