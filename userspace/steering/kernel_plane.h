// The kernel data plane of a node: programs, maps and devices, loaded and attached, or taken over from the
// process before.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/port_set.h"
#include "bpf/bpf_object.h"
#include "host/network_monitor.h"
#include "host/steering_device.h"
#include "penstock/abi/settings.h"
#include "steering/guard_maps.h"
#include "steering/kernel_hops.h"
#include "steering/kernel_ports.h"
#include "steering/kernel_steering.h"
#include "steering/lane_link.h"
#include "steering/outer_interfaces.h"
#include "steering/packet_counts.h"
#include "steering/session_maps.h"

namespace penstock {

struct KernelPlaneOptions {
  std::string pins;                 // folder on a bpf filesystem, of this node alone
  std::string device = "penstock";  // the steering pair is called so with 0 and 1 behind
  std::vector<std::string>
      interfaces;     // to attach to; empty: every Ethernet interface that is up, but no bridge
  IpAddress network;  // IPv4, of frames and local sources
  int network_bits = 15;
  PortSet source_ports;          // of sessions towards backends
  std::uint16_t edge_lanes = 0;  // workers, where the node has the role
  std::uint16_t hub_lanes = 0;
  std::uint32_t sessions = 0;  // of each role
  bool direct = false;         // room for both paths of each session, as direct services need
  std::string log_file;        // for what the verifier says
  bool give_up = false;        // when open() fails, what the process before left is taken away too
};

/// Made before the workers' threads run and before the process gives up its privileges; destroyed after them.
/// What it attached stays when it is destroyed: detach_kernel_plane() takes it away.
class KernelPlane {
 public:
  /// Needs root. An error says what is missing.
  static Result<std::unique_ptr<KernelPlane>> open(const KernelPlaneOptions& options);
  ~KernelPlane();
  KernelPlane(const KernelPlane&) = delete;
  KernelPlane& operator=(const KernelPlane&) = delete;

  /// Steering for the workers of a role; one of each.
  std::unique_ptr<SteeringMaker> edge_steering();
  std::unique_ptr<SteeringMaker> hub_steering();

  const std::vector<SteeredInterface>& interfaces() const { return attached_; }
  /// Interfaces that were not attached, each with the reason.
  const std::vector<std::string>& complaints() const { return complaints_; }
  /// By which frames of a lane pass without the host's stack.
  struct LaneLink {
    std::string device;
    std::shared_ptr<const LaneTraffic> traffic;  // with the lane's thread
  };
  /// By lane; those behind the last one have none, and pass all frames by their sockets.
  const std::vector<LaneLink>& lane_links() const { return lane_links_; }
  /// Empty when each lane has one.
  const std::string& why_no_links() const { return why_no_links_; }
  KernelPorts& ports() { return *ports_; }
  /// Null where the node is no edge.
  GuardMaps* guard() { return guard_.get(); }
  const PacketCounts& counts() const { return *counts_; }
  SessionMaps& sessions() { return *sessions_; }
  /// Of the node: that of the process before, where its maps were taken over.
  std::uint64_t instance() const { return settings_.instance; }
  bool adopted() const { return adopted_; }
  /// The listener of TCP ports for a family, once: for whoever reads it.
  FileDescriptor take_tcp_listener(bool v4);

  NetworkMonitor& monitor() { return *monitor_; }
  /// The steering that was made, by lane; each belongs to its worker's thread.
  const std::vector<KernelSteering*>& lanes() const { return lanes_; }

 private:
  class Maker;
  explicit KernelPlane(const KernelPlaneOptions& options) : options_{options} {}

  Result<void> open_all();
  void give_up();
  Result<void> prepare();
  Result<void> load();
  Result<void> forget_other_sizes(std::uint32_t sessions, std::uint32_t paths) const;
  Result<void> open_maps();
  Result<void> open_sockets();
  Result<void> write_settings(const std::vector<std::uint16_t>& lane_ports);
  Result<void> attach();
  Result<void> attach_outers();
  Result<void> attach_own(const std::string& link, int program, const std::string& device,
                          std::uint32_t index, XdpMode mode);
  Result<void> open_lane_links(int program, XdpMode mode);
  Result<void> open_lane_link(int program, const RawBpfMap& rings);
  Result<void> load_images(const std::vector<BpfImage>& images);
  Result<void> load_filters();
  Result<SteeredInterface> attach_one(const Interface& interface, int program);
  Result<void> choose_interfaces();
  std::unique_ptr<Steering> make(std::uint16_t lane, KernelSteering::Side side, Network& network,
                                 SessionTable& table, SteeringObserver& observer);
  std::vector<std::uint16_t> source_ports() const;
  std::string pin(const std::string& name) const { return folder_ + "/" + name; }
  std::uint16_t lanes_wanted() const {
    return static_cast<std::uint16_t>(options_.edge_lanes + options_.hub_lanes);
  }

  const KernelPlaneOptions options_;
  std::string folder_;         // of the pins, with the version of the interface
  bool found_before_ = false;  // a process before left it
  SteeringDevice device_;
  OuterInterfaces outer_;
  std::vector<SteeredInterface> attached_;
  std::vector<std::string> complaints_;
  std::vector<BpfObject> objects_;
  OuterFilters filters_;
  pst_settings settings_{};
  bool adopted_ = false;
  std::optional<BpfMap<std::uint32_t, pst_settings>> settings_map_;
  std::optional<KernelHops::Map> hops_map_;
  std::optional<RawBpfMap> sockets_map_;
  std::unique_ptr<SessionMaps> sessions_;
  std::unique_ptr<KernelPorts> ports_;
  std::unique_ptr<GuardMaps> guard_;
  std::unique_ptr<PacketCounts> counts_;
  std::vector<LaneSockets> sockets_;
  std::vector<LaneLink> lane_links_;
  std::string why_no_links_;
  std::array<FileDescriptor, 2> listeners_;  // of IPv6 and IPv4
  std::vector<KernelSteering*> lanes_;
  std::optional<NetworkMonitor> monitor_;
};

/// Takes programs, maps, pins, device and addresses away; succeeds when there was nothing. Errc::kNotFound
/// when other nodes' pins are there and none of this one: all stays. Needs root.
Result<void> detach_kernel_plane(const KernelPlaneOptions& options);

}  // namespace penstock
