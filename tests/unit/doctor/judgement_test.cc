// What facts mean: verdicts, how the daemon will steer, and why not otherwise.
#include "doctor/judgement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace penstock::doctor {
namespace {

using testing::HasSubstr;
using testing::Not;
using enum SteeringConfig::Mode;
using enum Verdict;

InterfaceFacts eth0() {
  return {.name = "eth0", .driver = "virtio_net", .vlans = {}, .rp_filter = 2, .native = {}, .generic = {}};
}

HostFacts good_host() {
  HostFacts facts;
  facts.kernel = "Linux 6.12.0";
  facts.root = true;
  facts.btf = true;
  for (Trial* const trial :
       {&facts.device, &facts.native, &facts.generic, &facts.sk_lookup, &facts.segments_unsummed,
        &facts.joins_received, &facts.tap, &facts.tap_batches, &facts.freplace})
    *trial = Trial::good();
  facts.receive_buffer = 16 << 20;
  facts.unprivileged_bpf_disabled = 2;
  facts.jit = 1;
  facts.local_ports = PortRange{32768, 60999};
  facts.bpffs = true;
  facts.pins = HostFacts::Pins::kThere;
  facts.interfaces = {eth0()};
  return facts;
}

Config config_of(SteeringConfig::Mode mode) {
  Config config;
  config.hub.emplace();
  config.steering.mode = mode;
  return config;
}

/// The finding of that name; one that is not like any when there is none.
Finding found(const Report& report, std::string_view name) {
  for (const Finding& finding : report.findings) {
    if (finding.name == name) return finding;
  }
  return {.name = "no finding", .verdict = kOk, .what = {}, .remedy = {}};
}

TEST(Judgement, AGoodHostIsGood) {
  const Report report = judge(good_host(), config_of(kAuto));

  for (const Finding& finding : report.findings)
    EXPECT_EQ(finding.verdict, kOk) << finding.name << finding.what;
  EXPECT_EQ(report.verdict(), kOk);
  EXPECT_TRUE(report.by_kernel);
  EXPECT_EQ(report.will, "steer by kernel programs (native on eth0)");
}

/// Something that is wrong with a host.
struct Fault {
  int number;
  std::string_view name;  // of its finding
  std::function<void(HostFacts&)> make;
  Verdict in_auto;
  Verdict in_kernel;
  std::string_view remedy;   // a part of it
  std::string_view hinders;  // a part of why sockets then; empty: kernel programs all the same
};

const std::vector<Fault>& faults() {
  static const std::vector<Fault> kFaults{
      {1, "capabilities", [](HostFacts& f) { f.missing_capabilities = {"CAP_BPF"}; }, kWarning, kBad,
       "start it as root", "CAP_BPF"},
      {2, "steering device", [](HostFacts& f) { f.device = Trial::failed("no veth"); }, kWarning, kBad,
       "load the kernel module veth", "no steering device: no veth"},
      {3, "sk_lookup", [](HostFacts& f) { f.sk_lookup = Trial::failed("EINVAL"); }, kWarning, kBad,
       "Linux 5.9", "sk_lookup does not work"},
      {4, "native xdp", [](HostFacts& f) { f.native = Trial::failed("x"); }, kWarning, kWarning, "", ""},
      {5, "generic xdp",
       [](HostFacts& f) {
         f.native = Trial::failed("x");
         f.generic = Trial::failed("EPERM");
       },
       kWarning, kBad, "CONFIG_BPF_SYSCALL", "XDP does not work: EPERM"},
      {6, "freplace", [](HostFacts& f) { f.freplace = Trial::failed("no"); }, kOk, kOk, "", ""},
      {7, "btf", [](HostFacts& f) { f.btf = false; }, kWarning, kWarning, "CONFIG_DEBUG_INFO_BTF", ""},
      {8, "udp gso", [](HostFacts& f) { f.segments_unsummed = Trial::failed("EIO"); }, kWarning, kWarning,
       "Linux 6.11", ""},
      {9, "udp gro", [](HostFacts& f) { f.joins_received = Trial::failed("x"); }, kWarning, kWarning, "", ""},
      {10, "pins", [](HostFacts& f) { f.bpffs = false; }, kWarning, kBad, "CONFIG_BPF_SYSCALL",
       "bpf filesystem"},
      {11, "pins", [](HostFacts& f) { f.pins = HostFacts::Pins::kOtherFilesystem; }, kWarning, kBad,
       "set steering.pins", "bpf filesystem"},
      {12, "steering.network", [](HostFacts& f) { f.network_taken = {"route 198.18.0.0/16 by tun0"}; },
       kWarning, kBad, "set steering.network", "used by others"},
      {13, "source ports",
       [](HostFacts& f) {
         f.local_ports = PortRange{20000, 60999};
       },
       kWarning, kWarning, "ip_local_port_range", ""},
      {14, "net.core.rmem_max", [](HostFacts& f) { f.receive_buffer = 212992; }, kWarning, kWarning,
       "sysctl net.core.rmem_max=4194304", ""},
      {15, "rp_filter eth0", [](HostFacts& f) { f.interfaces[0].rp_filter = 1; }, kWarning, kBad,
       "sysctl net.ipv4.conf.eth0.rp_filter=2", ""},
      {16, "bpf_jit_enable", [](HostFacts& f) { f.jit = 0; }, kWarning, kWarning, "bpf_jit_enable=1", ""},
      {17, "unprivileged_bpf_disabled", [](HostFacts& f) { f.unprivileged_bpf_disabled = 0; }, kWarning,
       kWarning, "unprivileged_bpf_disabled=2", ""},
      {18, "nftables", [](HostFacts& f) { f.firewall_rules = {"inet filter input"}; }, kWarning, kWarning,
       "penstockctl guard", ""},
      {19, "conntrack", [](HostFacts& f) { f.conntrack = true; }, kWarning, kWarning, "notrack", ""},
      {20, "interface eth0", [](HostFacts& f) { f.interfaces[0].xdp_program = 7; }, kWarning, kWarning,
       "bpftool net", ""},
      {21, "interface eth0", [](HostFacts& f) { f.interfaces[0].present = false; }, kWarning, kBad,
       "correct steering.interfaces", "no interface takes"},
      {22, "interface eth0", [](HostFacts& f) { f.interfaces[0].up = false; }, kWarning, kWarning,
       "ip link set eth0 up", "no interface takes"},
      {23, "interface eth0", [](HostFacts& f) { f.interfaces[0].mtu = 9000; }, kWarning, kWarning,
       "MTU of at most", ""},
      {24, "interface eth0", [](HostFacts& f) { f.interfaces[0].driver = "e1000e"; }, kWarning, kWarning,
       "generic", ""},
      {25, "interface eth0",
       [](HostFacts& f) { f.interfaces[0].native = f.interfaces[0].generic = Trial::failed("EOPNOTSUPP"); },
       kWarning, kWarning, "", ""},
      {26, "vlan eth0",
       [](HostFacts& f) {
         f.interfaces[0].vlans = {"eth0.5"};
         f.interfaces[0].strips_vlan_tags = true;
       },
       kWarning, kWarning, "ethtool -K eth0 rxvlan off", ""},
      {27, "lro eth0", [](HostFacts& f) { f.interfaces[0].joins_received = true; }, kWarning, kWarning,
       "ethtool -K eth0 lro off", ""},
      {28, "interfaces", [](HostFacts& f) { f.interfaces.clear(); }, kWarning, kBad, "steering.interfaces",
       "no interface takes"},
      {29, "privileges", [](HostFacts& f) { f.root = false; }, kWarning, kWarning, "sudo", ""},
      {30, "tap device", [](HostFacts& f) { f.tap = Trial::failed("ENOENT"); }, kWarning, kWarning,
       "/dev/net/tun", ""},
      {31, "io_uring", [](HostFacts& f) { f.tap_batches = Trial::failed("EPERM"); }, kWarning, kWarning,
       "kernel.io_uring_disabled=0", ""},
  };
  return kFaults;
}

TEST(Judgement, EachFaultIsNamedWithWhatToChange) {
  for (const Fault& fault : faults()) {
    HostFacts facts = good_host();
    fault.make(facts);

    const Report in_auto = judge(facts, config_of(kAuto));
    EXPECT_EQ(found(in_auto, fault.name).name, fault.name) << fault.number;
    EXPECT_EQ(found(in_auto, fault.name).verdict, fault.in_auto) << fault.number;
    EXPECT_THAT(found(in_auto, fault.name).remedy, HasSubstr(fault.remedy)) << fault.number;
    const Verdict in_all = fault.hinders.empty() ? fault.in_kernel : kBad;  // it would not start
    EXPECT_EQ(judge(facts, config_of(kKernel)).verdict(), in_all) << fault.number;
    EXPECT_EQ(found(judge(facts, config_of(kKernel)), fault.name).verdict, fault.in_kernel) << fault.number;
  }
}

TEST(Judgement, SocketsAreChosenForAReason) {
  for (const Fault& fault : faults()) {
    HostFacts facts = good_host();
    fault.make(facts);
    const Report in_auto = judge(facts, config_of(kAuto));
    const Report in_kernel = judge(facts, config_of(kKernel));

    EXPECT_EQ(in_auto.by_kernel, fault.hinders.empty()) << fault.number;
    if (fault.hinders.empty()) continue;
    EXPECT_THAT(in_auto.will, HasSubstr("steer by sockets, because ")) << fault.number;
    EXPECT_THAT(in_auto.will, HasSubstr(fault.hinders)) << fault.number;
    EXPECT_THAT(in_kernel.will, HasSubstr("not start, because ")) << fault.number;
    EXPECT_THAT(in_kernel.will, HasSubstr(fault.hinders)) << fault.number;
  }
}

TEST(Judgement, WhatOnlyKernelProgramsNeedIsNoMatterForSockets) {
  for (const Fault& fault : faults()) {
    HostFacts facts = good_host();
    fault.make(facts);
    const Report report = judge(facts, config_of(kSocket));

    const bool concerns_all = fault.name == "net.core.rmem_max" || fault.name == "unprivileged_bpf_disabled";
    EXPECT_EQ(report.verdict(), concerns_all ? kWarning : kOk) << fault.number;
    EXPECT_EQ(report.will, "steer by sockets, because steering.mode says so") << fault.number;
  }
}

TEST(Judgement, WhatWasTriedOnAnInterfaceCounts) {
  HostFacts facts = good_host();
  facts.interfaces[0].driver = "e1000e";
  facts.interfaces[0].native = Trial::good();
  facts.interfaces.push_back(eth0());
  facts.interfaces[1].name = "eth1";
  facts.interfaces[1].native = Trial::failed("EOPNOTSUPP");
  facts.interfaces[1].generic = Trial::good();
  const Report report = judge(facts, config_of(kKernel));

  EXPECT_EQ(report.will, "steer by kernel programs (native on eth0, generic on eth1)");
  EXPECT_THAT(found(report, "interface eth0").what, HasSubstr("takes native XDP, driver e1000e"));
  EXPECT_EQ(found(report, "interface eth1").verdict, kWarning);
}

TEST(Judgement, OurOwnProgramsAreNoHindrance) {
  HostFacts facts = good_host();
  facts.interfaces[0].xdp_program = 7;
  facts.interfaces[0].xdp_is_ours = true;

  EXPECT_EQ(judge(facts, config_of(kKernel)).verdict(), kOk);
}

TEST(Judgement, ADispatcherIsShared) {
  HostFacts facts = good_host();
  facts.interfaces[0].xdp_program = 7;
  facts.interfaces[0].dispatcher = Trial::good();
  const Report report = judge(facts, config_of(kKernel));

  EXPECT_EQ(report.verdict(), kOk);
  EXPECT_EQ(report.will, "steer by kernel programs (dispatcher on eth0)");
  EXPECT_THAT(found(report, "interface eth0").what, HasSubstr("priority 50"));
}

TEST(Judgement, ADispatcherThatTakesNoneOfOursSaysWhy) {
  HostFacts facts = good_host();
  facts.interfaces[0].xdp_program = 7;
  facts.interfaces[0].dispatcher = Trial::failed("not before 1.5.5");
  const Report report = judge(facts, config_of(kKernel));

  EXPECT_EQ(report.will, "steer by kernel programs (tc on eth0)");
  EXPECT_THAT(found(report, "interface eth0").what, HasSubstr("(id 7: not before 1.5.5): programs on tc"));
}

TEST(Judgement, OneInterfaceIsEnough) {
  HostFacts facts = good_host();
  facts.interfaces.push_back(eth0());
  facts.interfaces[1].name = "eth1";
  facts.interfaces[1].up = false;
  const Report report = judge(facts, config_of(kAuto));

  EXPECT_EQ(report.will, "steer by kernel programs (native on eth0)");
  EXPECT_EQ(report.verdict(), kWarning);
}

TEST(Judgement, WhatTakesNoXdpProgramGetsOneOnTc) {
  HostFacts facts = good_host();
  facts.interfaces.resize(3, eth0());
  facts.interfaces[1].name = "eth1";
  facts.interfaces[1].xdp_program = 7;
  facts.interfaces[2] = {.name = "wg0", .bare = true, .driver = "wireguard", .mtu = 1420};
  const Report report = judge(facts, config_of(kKernel));

  EXPECT_EQ(report.will, "steer by kernel programs (native on eth0, tc on eth1, tc on wg0)");
  EXPECT_THAT(found(report, "interface eth1").what, HasSubstr("another program's XDP program"));
  EXPECT_EQ(found(report, "interface eth1").verdict, kWarning);
  EXPECT_THAT(found(report, "interface wg0").what, HasSubstr("forward direct sessions"));
  EXPECT_EQ(found(report, "interface wg0").verdict, kOk);
}

TEST(Judgement, AnEdgeHasNoPortsTowardsBackends) {
  HostFacts facts = good_host();
  facts.local_ports = PortRange{1024, 65535};
  Config config = config_of(kAuto);
  config.hub.reset();
  config.edge.emplace();

  EXPECT_EQ(judge(facts, config).verdict(), kOk);
}

TEST(Judgement, WhatWasNotTriedIsNotShown) {
  HostFacts facts = good_host();
  facts.root = false;
  facts.device = facts.native = facts.generic = facts.sk_lookup = facts.freplace = {};
  const Report report = judge(facts, config_of(kAuto));

  for (const std::string_view name : {"steering device", "native xdp", "sk_lookup", "freplace"})
    EXPECT_EQ(found(report, name).name, "no finding") << name;
  EXPECT_TRUE(report.by_kernel);
  EXPECT_THAT(report.will, Not(HasSubstr("sockets")));
}

}  // namespace
}  // namespace penstock::doctor
