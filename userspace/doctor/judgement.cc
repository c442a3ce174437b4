#include "doctor/judgement.h"

#include <algorithm>
#include <array>
#include <string>

#include "bpf/xdp_dispatcher.h"

namespace penstock::doctor {
namespace {

using Mode = SteeringConfig::Mode;

constexpr std::int64_t kReceiveBuffer = 4 << 20;   // bytes that a steering socket asks for
constexpr std::uint32_t kLargestNativeMtu = 3498;  // of most drivers, for a packet in one page
// Drivers that take native XDP programs, as far as is known.
constexpr std::array<std::string_view, 24> kNativeDrivers{
    "amd-xgbe",  "atlantic",  "bnxt_en", "bonding", "dpaa2-eth", "ena",   "fec",     "gve",
    "hv_netvsc", "i40e",      "ice",     "igb",     "igc",       "ixgbe", "ixgbevf", "mana",
    "mlx4_en",   "mlx5_core", "mvneta",  "nfp",     "stmmac",    "tun",   "veth",    "virtio_net"};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

struct Case {
  const HostFacts& facts;
  const Config& config;

  Mode mode() const { return config.steering.mode; }
  /// How bad the lack of something is that only kernel programs need.
  Verdict lacking() const {
    return mode() == Mode::kKernel ? Verdict::kBad : mode() == Mode::kAuto ? Verdict::kWarning : Verdict::kOk;
  }
  /// The same for what makes kernel steering slower or poorer.
  Verdict poorer() const { return mode() == Mode::kSocket ? Verdict::kOk : Verdict::kWarning; }
};

/// A thing that was tried: fine, `worse` when it fails, and without a word when it was not tried.
void add_trial(std::vector<Finding>& out, const std::string& name, const Trial& trial, Verdict worse,
               const std::string& good, const std::string& bad, const std::string& remedy) {
  if (trial.works()) out.push_back({name, Verdict::kOk, good, {}});
  if (trial.fails()) out.push_back({name, worse, bad + ": " + trial.why, remedy});
}

// ---------------------------------------------------------------------------------------------- probes

void privileges(const Case& c, std::vector<Finding>& out) {
  if (!c.facts.root) {
    out.push_back({"privileges", c.poorer(),
                   "without root nothing was attached, no device made, no rule of nftables read",
                   "run it with sudo"});
  }
  if (c.facts.missing_capabilities.empty()) return;
  out.push_back({"capabilities", c.lacking(),
                 "missing here: " + joined(c.facts.missing_capabilities) +
                     "; the daemon needs them at its start to steer by kernel programs",
                 "start it as root, or give its container these capabilities"});
}

void kernel(const Case& c, std::vector<Finding>& out) {
  out.push_back({"kernel", Verdict::kOk, c.facts.kernel, {}});
  if (c.facts.btf) {
    out.push_back({"btf", Verdict::kOk, "the kernel describes its types in /sys/kernel/btf/vmlinux", {}});
  } else {
    out.push_back({"btf", c.poorer(),
                   "no /sys/kernel/btf/vmlinux: bpftool shows maps without names of fields",
                   "use a kernel with CONFIG_DEBUG_INFO_BTF=y"});
  }
  if (c.facts.jit == 0) {
    out.push_back({"bpf_jit_enable", c.poorer(), "0: programs are interpreted, and several times slower",
                   "sysctl net.core.bpf_jit_enable=1"});
  }
  if (c.facts.unprivileged_bpf_disabled == 0) {
    out.push_back({"unprivileged_bpf_disabled", Verdict::kWarning,
                   "0: every local user may load programs into the kernel",
                   "sysctl kernel.unprivileged_bpf_disabled=2; Penstock does not need it"});
  }
}

void programs(const Case& c, std::vector<Finding>& out) {
  const HostFacts& f = c.facts;
  add_trial(out, "steering device", f.device, c.lacking(), "a pair of veth devices can be made and addressed",
            "no pair of veth devices", "load the kernel module veth");
  add_trial(out, "native xdp", f.native, c.poorer(), "works on veth devices", "does not work on veth devices",
            {});
  add_trial(out, "generic xdp", f.generic, f.native.works() ? Verdict::kOk : c.lacking(), "works",
            "does not work", "use a kernel with CONFIG_BPF_SYSCALL=y and CONFIG_XDP_SOCKETS=y");
  add_trial(out, "sk_lookup", f.sk_lookup, c.lacking(), "works: all assigned ports lead to a few sockets",
            "does not work, and public ports need it", "use Linux 5.9 or newer");
  add_trial(out, "freplace", f.freplace, Verdict::kOk,
            "works: other XDP programs can share an interface with ours",
            "does not work, so one interface takes one XDP program, ours or another's", {});
  add_trial(out, "udp gso", f.segments_unsummed, c.poorer(), "one call sends datagrams of many sessions",
            "refused without checksum offload, so frames are sent one by one, at some three times the cost",
            "use Linux 6.11 or newer");
  add_trial(out, "udp gro", f.joins_received, c.poorer(), "one call receives datagrams of many sessions",
            "refused, so frames are received one by one", "use Linux 5.0 or newer");
  add_trial(out, "tap device", f.tap, c.poorer(), "frames leave without the host's stack",
            "not to be had, so all frames pass the host's stack, which takes more processor time",
            "load the kernel module tun, and permit the daemon /dev/net/tun");
  add_trial(out, "io_uring", f.tap_batches, c.poorer(), "one call writes many frames to a tap device",
            "refused, so frames are written one by one, with a call each",
            "set sysctl kernel.io_uring_disabled=0, and permit a container io_uring_setup");
}

void pins(const Case& c, std::vector<Finding>& out) {
  const std::string& folder = c.config.steering.pins;
  if (!c.facts.bpffs) {
    out.push_back(
        {"pins", c.lacking(), "the kernel has no bpf filesystem", "use a kernel with CONFIG_BPF_SYSCALL=y"});
  } else if (c.facts.pins == HostFacts::Pins::kThere) {
    out.push_back({"pins", Verdict::kOk, folder + " is on a bpf filesystem", {}});
  } else if (c.facts.pins == HostFacts::Pins::kMissing) {
    out.push_back({"pins", Verdict::kOk, "the daemon will mount a bpf filesystem on " + folder, {}});
  } else {
    out.push_back({"pins", c.lacking(), folder + " holds files and is on no bpf filesystem",
                   "set steering.pins to a folder that is empty or on one: /sys/fs/bpf/penstock"});
  }
}

void network(const Case& c, std::vector<Finding>& out) {
  const SteeringConfig& steering = c.config.steering;
  const std::string own = steering.network.to_string() + "/" + std::to_string(steering.network_bits);
  if (c.facts.network_taken.empty()) {
    out.push_back({"steering.network", Verdict::kOk, own + " is free here", {}});
  } else {
    out.push_back({"steering.network", c.lacking(),
                   own + " is used by others: " + joined(c.facts.network_taken),
                   "set steering.network to an IPv4 network that nobody uses"});
  }
}

void ports(const Case& c, std::vector<Finding>& out) {
  if (!c.config.hub || !c.facts.local_ports) return;
  PortSet local;
  local.add(*c.facts.local_ports);
  const PortSet both = c.config.steering.source_ports.intersection(local);
  if (both.empty()) {
    out.push_back({"source ports", Verdict::kOk, "steering.source_ports are the hub's alone", {}});
  } else {
    out.push_back({"source ports", c.poorer(),
                   "the system gives ports of steering.source_ports to other programs: " + both.to_string() +
                       "; what their sockets receive would be taken for answers of backends",
                   "change steering.source_ports, or net.ipv4.ip_local_port_range"});
  }
}

void buffers(const Case& c, std::vector<Finding>& out) {
  if (!c.facts.receive_buffer || *c.facts.receive_buffer >= kReceiveBuffer) return;
  out.push_back({"net.core.rmem_max", Verdict::kWarning,
                 std::to_string(*c.facts.receive_buffer) +
                     " bytes: bursts are dropped as overrun, unless the daemon has CAP_NET_ADMIN",
                 "sysctl net.core.rmem_max=" + std::to_string(kReceiveBuffer)});
}

void firewall(const Case& c, std::vector<Finding>& out) {
  if (!c.facts.firewall_rules.empty()) {
    out.push_back({"nftables", c.poorer(),
                   "rules name UDP: " + joined(c.facts.firewall_rules) +
                       "; datagrams of sessions do not pass them, and frames on the steering device do",
                   "permit UDP from and to steering.network; block sources with penstockctl guard"});
  }
  if (!c.facts.conntrack) return;
  out.push_back({"conntrack", c.poorer(),
                 "connection tracking is on: frames on the steering device make entries, which cost time",
                 "nft: a rule 'udp notrack' for " + c.config.steering.device +
                     "0 in a raw prerouting and output chain"});
}

// ---------------------------------------------------------------------------------------------- interfaces

bool likely_native(const InterfaceFacts& one) {
  if (one.native.works()) return true;
  if (one.native.fails()) return false;
  return std::find(kNativeDrivers.begin(), kNativeDrivers.end(), one.driver) != kNativeDrivers.end() &&
         one.mtu <= kLargestNativeMtu;
}

bool can_attach(const InterfaceFacts& one) {
  return one.present && one.up;
}

bool is_anothers(const InterfaceFacts& one) {
  return one.xdp_program != 0 && !one.xdp_is_ours;
}

/// Why the programs go on TC there; empty when XDP takes them.
std::string why_on_tc(const InterfaceFacts& one) {
  if (one.bare) return "has no Ethernet, which XDP programs read";
  if (one.dispatcher.works()) return {};
  if (is_anothers(one)) {
    return "another program's XDP program is on it (id " + std::to_string(one.xdp_program) +
           (one.dispatcher.fails() ? ": " + one.dispatcher.why : "") + ")";
  }
  if (one.native.fails() && one.generic.fails()) return "takes no XDP program (" + one.generic.why + ")";
  return {};
}

void attachment(const Case& c, const InterfaceFacts& one, std::vector<Finding>& out) {
  const std::string name = "interface " + one.name;
  if (!one.present) {
    out.push_back({name, c.lacking(), "there is none of that name", "correct steering.interfaces"});
  } else if (one.dispatcher.works()) {
    out.push_back({name,
                   Verdict::kOk,
                   "libxdp's dispatcher is on it: ours runs in it beside the others, with priority " +
                       std::to_string(kDispatcherPriority),
                   {}});
  } else if (!one.up) {
    out.push_back({name, c.poorer(), "is down", "ip link set " + one.name + " up"});
  } else if (const std::string why = why_on_tc(one); !why.empty()) {
    out.push_back({name, one.bare ? Verdict::kOk : c.poorer(),
                   why + ": programs on tc guard it and forward direct sessions, and what is for tunnels "
                         "goes by sockets",
                   one.xdp_program != 0 ? "to have all in the kernel, detach the other (bpftool net)" : ""});
  } else {
    const bool tried = one.native.outcome != Trial::Outcome::kUntried;
    const std::string mode = likely_native(one) ? "native" : "generic";
    const std::string driver = one.driver.empty() ? "" : ", driver " + one.driver;
    out.push_back(
        {name, mode == "native" ? Verdict::kOk : c.poorer(),
         (tried ? "takes " : "should take ") + mode + " XDP" + driver + ", MTU " + std::to_string(one.mtu),
         mode == "native" ? "" : "generic works, at some twice the cost; an MTU of at most 3498 may help"});
  }
}

void details(const Case& c, const InterfaceFacts& one, std::vector<Finding>& out) {
  if (one.rp_filter == 1) {
    out.push_back({"rp_filter " + one.name, c.lacking(),
                   "1: the strict check of source addresses drops frames of the programs",
                   "sysctl net.ipv4.conf." + one.name + ".rp_filter=2"});
  }
  if (!one.vlans.empty() && one.strips_vlan_tags) {
    out.push_back({"vlan " + one.name, c.poorer(),
                   "has VLANs (" + joined(one.vlans) +
                       ") and takes their tags off before a program sees them: their datagrams go by sockets",
                   "ethtool -K " + one.name + " rxvlan off"});
  }
  if (one.joins_received) {
    out.push_back({"lro " + one.name, c.poorer(),
                   "joins packets before a program sees them; native XDP is refused",
                   "ethtool -K " + one.name + " lro off"});
  }
}

void each_interface(const Case& c, std::vector<Finding>& out) {
  if (c.facts.interfaces.empty()) {
    out.push_back(
        {"interfaces", c.lacking(), "no Ethernet interface is up", "name them in steering.interfaces"});
  }
  for (const InterfaceFacts& one : c.facts.interfaces) {
    attachment(c, one, out);
    details(c, one, out);
  }
}

/// In the order in which they are shown.
constexpr std::array kProbes{privileges, kernel,  programs, pins,          network,
                             ports,      buffers, firewall, each_interface};

// ---------------------------------------------------------------------------------------------- the sum

/// Why not by kernel programs; empty when by them.
std::string hindrance(const Case& c) {
  const HostFacts& f = c.facts;
  if (c.mode() == Mode::kSocket) return "steering.mode says so";
  if (!f.missing_capabilities.empty()) return "capabilities are missing: " + joined(f.missing_capabilities);
  if (f.device.fails()) return "no steering device: " + f.device.why;
  if (f.native.fails() && f.generic.fails()) return "XDP does not work: " + f.generic.why;
  if (f.sk_lookup.fails()) return "sk_lookup does not work: " + f.sk_lookup.why;
  if (!f.bpffs || f.pins == HostFacts::Pins::kOtherFilesystem)
    return "there is no bpf filesystem at steering.pins";
  if (!f.network_taken.empty()) return "steering.network is used by others";
  if (std::none_of(f.interfaces.begin(), f.interfaces.end(), can_attach))
    return "no interface takes the programs";
  return {};
}

std::string by_programs(const Case& c) {
  std::string on;
  for (const InterfaceFacts& one : c.facts.interfaces) {
    if (!can_attach(one)) continue;
    on.append(on.empty() ? "" : ", ")
        .append(!why_on_tc(one).empty()  ? "tc"
                : one.dispatcher.works() ? "dispatcher"
                : likely_native(one)     ? "native"
                                         : "generic")
        .append(" on ")
        .append(one.name);
  }
  return "steer by kernel programs (" + on + ")";
}

}  // namespace

Report judge(const HostFacts& facts, const Config& config) {
  const Case c{facts, config};
  Report report;
  for (const auto probe : kProbes) probe(c, report.findings);
  const std::string why = hindrance(c);
  report.by_kernel = why.empty();
  if (report.by_kernel) {
    report.will = by_programs(c);
  } else if (c.mode() == Mode::kKernel) {
    report.will = "not start, because steering.mode is \"kernel\" and " + why;
  } else {
    report.will = "steer by sockets, because " + why;
  }
  report.findings.push_back(
      {"steering", report.by_kernel ? Verdict::kOk : c.lacking(), "the daemon will " + report.will, {}});
  return report;
}

std::string_view to_string(Verdict verdict) {
  return verdict == Verdict::kOk ? "ok" : verdict == Verdict::kWarning ? "warning" : "bad";
}

Verdict Report::verdict() const {
  Verdict worst = Verdict::kOk;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

}  // namespace penstock::doctor
