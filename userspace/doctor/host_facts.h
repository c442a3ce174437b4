// What there is to know of a host before a node runs on it. Plain values: judgement.h says what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace penstock::doctor {

/// Something that was tried, or not.
struct Trial {
  enum class Outcome { kUntried, kWorks, kFails };
  Outcome outcome = Outcome::kUntried;
  std::string why;  // it fails, or was not tried

  bool works() const { return outcome == Outcome::kWorks; }
  bool fails() const { return outcome == Outcome::kFails; }
  static Trial good() { return {Outcome::kWorks, {}}; }
  static Trial failed(std::string reason) { return {Outcome::kFails, std::move(reason)}; }
};

/// One interface that the programs would be attached to.
struct InterfaceFacts {
  std::string name;
  bool present = true;
  bool up = true;
  bool bare = false;   // no Ethernet: WireGuard, tun
  std::string driver;  // empty: not known
  std::uint32_t mtu = 1500;
  std::uint32_t xdp_program = 0;          // id of what is there already
  bool xdp_is_ours = false;               // ... by the pins
  Trial dispatcher;                       // ... which is libxdp's: whether ours could join it
  std::vector<std::string> vlans;         // VLAN devices above it
  bool strips_vlan_tags = false;          // before a program sees the packet
  bool joins_received = false;            // LRO: programs would see joined packets
  std::optional<std::int64_t> rp_filter;  // that holds on it
  Trial native;                           // on the interface itself, when asked for
  Trial generic;
};

struct HostFacts {
  std::string kernel;  // release
  bool root = false;
  std::vector<std::string> missing_capabilities;
  bool btf = false;
  Trial device;  // a steering device in a namespace of its own; without it the next seven are untried
  Trial native;  // XDP on it
  Trial generic;
  Trial sk_lookup;
  Trial segments_unsummed;  // UDP_SEGMENT on a device without checksum offload
  Trial joins_received;     // UDP_GRO
  Trial tap;                // a worker's device for frames
  Trial tap_batches;        // io_uring: many frames into it with one call
  Trial freplace;
  std::optional<std::int64_t> receive_buffer;  // net.core.rmem_max
  std::optional<std::int64_t> unprivileged_bpf_disabled;
  std::optional<std::int64_t> jit;
  std::optional<PortRange> local_ports;  // net.ipv4.ip_local_port_range
  enum class Pins { kThere, kMissing, kOtherFilesystem };
  Pins pins = Pins::kMissing;
  bool bpffs = false;                       // the kernel has the filesystem
  std::vector<std::string> network_taken;   // addresses and routes inside of steering.network
  std::vector<std::string> firewall_rules;  // that name UDP
  bool conntrack = false;
  std::vector<InterfaceFacts> interfaces;
};

}  // namespace penstock::doctor
