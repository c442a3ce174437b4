#include "node/plane_start.h"

#include <glog/logging.h>
#include <unistd.h>

#include <utility>

#include "config/node_pins.h"
#include "node/workers.h"

namespace penstock {

KernelPlaneOptions plane_options(const Config& config) {
  const auto workers = static_cast<std::uint16_t>(Workers::count_for(config.node.workers));
  return {.pins = node_pins(config),
          .device = config.steering.device,
          .interfaces = config.steering.interfaces,
          .network = config.steering.network,
          .network_bits = config.steering.network_bits,
          .source_ports = config.steering.source_ports,
          .edge_lanes = config.edge ? workers : std::uint16_t{0},
          .hub_lanes = config.hub ? workers : std::uint16_t{0},
          .sessions = config.limits.sessions,
          .direct = config.edge && !config.edge->direct_to.empty(),
          .log_file = config.node.state_dir + "/verifier.log"};
}

Result<PlaneStart> start_plane(const Config& config) {
  using SteeringMode = SteeringConfig::Mode;
  if (config.steering.mode == SteeringMode::kSocket)
    return PlaneStart{.plane = nullptr, .why_sockets = "steering.mode is \"socket\""};
  if (::geteuid() != 0) {
    if (config.steering.mode == SteeringMode::kAuto)
      return PlaneStart{.plane = nullptr, .why_sockets = "kernel steering needs root at the start"};
    return error(
        Errc::kRefused,
        "steering.mode is \"kernel\", which needs root at the start: start as root (node.user gives it up "
        "afterwards), or write \"auto\"");
  }
  KernelPlaneOptions options = plane_options(config);
  options.give_up = config.steering.mode == SteeringMode::kAuto;
  auto plane = KernelPlane::open(options);
  if (plane) {
    for (const std::string& complaint : (*plane)->complaints()) LOG(WARNING) << complaint;
    return PlaneStart{.plane = std::move(*plane), .why_sockets = {}};
  }
  if (config.steering.mode == SteeringMode::kKernel) return plane.error();
  LOG(WARNING) << "UDP is steered by sockets: " << plane.error().what;
  return PlaneStart{.plane = nullptr, .why_sockets = plane.error().what};
}

}  // namespace penstock
