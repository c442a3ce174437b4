#include "doctor/examination.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/address_prefix.h"
#include "base/file_descriptor.h"
#include "base/text.h"
#include "bpf/bpf_trial.h"
#include "doctor/firewall.h"
#include "doctor/kernel_setting.h"
#include "host/addresses.h"
#include "host/capabilities.h"
#include "host/interface.h"

namespace penstock::doctor {
namespace {

namespace files = std::filesystem;

constexpr int kShortestRoute = 8;  // bits: what is shorter leads to the internet, and gives way to ours

std::string release() {
  utsname name{};
  return ::uname(&name) == 0 ? std::string{"Linux "} + name.release : "";
}

std::vector<std::string> missing_capabilities() {
  std::vector<std::string> out;
  if (!has_capability(CAP_NET_ADMIN)) out.emplace_back("CAP_NET_ADMIN");
  if (!has_capability(CAP_NET_RAW)) out.emplace_back("CAP_NET_RAW");
  if (!has_capability(CAP_BPF)) out.emplace_back("CAP_BPF");
  return out;
}

std::optional<PortRange> local_ports() {
  const auto text = kernel_text("net/ipv4/ip_local_port_range");
  if (!text) return std::nullopt;
  std::istringstream words{*text};
  PortRange range;
  return words >> range.first >> range.last ? std::optional{range} : std::nullopt;
}

bool has_bpffs() {
  std::ifstream lines{"/proc/filesystems"};
  for (std::string line; std::getline(lines, line);) {
    if (line == "nodev\tbpf") return true;
  }
  return false;
}

/// Of the folder, or of the nearest one above it that exists.
HostFacts::Pins look_at_pins(files::path folder) {
  std::error_code failed;
  const bool there = files::exists(folder, failed);
  while (!files::exists(folder, failed) && folder.has_relative_path()) folder = folder.parent_path();
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) == 0 && static_cast<std::uint32_t>(info.f_type) == BPF_FS_MAGIC)
    return HostFacts::Pins::kThere;
  if (!there || (files::is_directory(folder, failed) && files::is_empty(folder, failed)))
    return HostFacts::Pins::kMissing;
  return HostFacts::Pins::kOtherFilesystem;
}

// ---------------------------------------------------------------------------------------------- network

bool is_ours(const std::string& interface, const SteeringConfig& steering) {
  return interface == steering.device + "0" || interface == steering.device + "1";
}

/// Addresses of this host, but that of a daemon that runs.
void add_addresses(const SteeringConfig& steering, const AddressPrefix& network,
                   std::vector<std::string>& out) {
  const auto all = host_addresses();
  const bool running = static_cast<bool>(interface_named(steering.device + "0"));
  for (const HostAddress& one : all ? *all : std::vector<HostAddress>{}) {
    if (!network.contains(one.address)) continue;
    const auto on = interface_at(one.interface);
    if (running && on && (on->loopback || is_ours(on->name, steering))) continue;
    out.push_back("address " + one.address.to_string() + (on ? " of " + on->name : std::string{}));
  }
}

/// A line of /proc/net/route as a prefix; nothing for what is none.
std::optional<AddressPrefix> route_of(std::istringstream& words) {
  std::string destination, gateway, flags, use, references, metric, mask;
  if (!(words >> destination >> gateway >> flags >> references >> use >> metric >> mask)) return std::nullopt;
  const auto number = [](const std::string& hex) {
    return __builtin_bswap32(static_cast<std::uint32_t>(std::strtoul(hex.c_str(), nullptr, 16)));
  };
  return AddressPrefix{IpAddress::v4(number(destination)), __builtin_popcount(number(mask))};
}

void add_routes(const SteeringConfig& steering, const AddressPrefix& network, std::vector<std::string>& out) {
  std::ifstream lines{"/proc/net/route"};
  std::string line;
  std::getline(lines, line);  // the heads
  while (std::getline(lines, line)) {
    std::istringstream words{line};
    std::string interface;
    words >> interface;
    const auto route = route_of(words);
    if (!route || is_ours(interface, steering) || route->bits < kShortestRoute) continue;
    if (network.contains(route->address) || route->contains(network.address))
      out.push_back("route " + route->to_string() + " by " + interface);
  }
}

}  // namespace

HostFacts examine(const Examination& wanted) {
  const SteeringConfig& steering = wanted.config.steering;
  HostFacts facts;
  facts.kernel = release();
  facts.root = ::geteuid() == 0;
  facts.btf = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  facts.receive_buffer = kernel_number("net/core/rmem_max");
  facts.unprivileged_bpf_disabled = kernel_number("kernel/unprivileged_bpf_disabled");
  facts.jit = kernel_number("net/core/bpf_jit_enable");
  facts.local_ports = local_ports();
  facts.bpffs = has_bpffs();
  facts.pins = look_at_pins(steering.pins);
  facts.conntrack = tracks_connections();
  const AddressPrefix network{steering.network, steering.network_bits};
  add_addresses(steering, network, facts.network_taken);
  add_routes(steering, network, facts.network_taken);
  if (facts.root) {
    facts.missing_capabilities = missing_capabilities();
    try_in_namespace(wanted.config, facts);
    const auto freplace = try_freplace();
    facts.freplace = freplace ? Trial::good() : Trial::failed(freplace.error().what);
    facts.firewall_rules = udp_rules();
  }
  facts.interfaces = look_at_interfaces(wanted);
  return facts;
}

}  // namespace penstock::doctor
