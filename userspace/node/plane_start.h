// Whether kernel programs or sockets steer at this node, decided once, while the process is still privileged.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "steering/kernel_plane.h"

namespace penstock {

struct PlaneStart {
  std::unique_ptr<KernelPlane> plane;  // null: sockets steer
  std::string why_sockets;
};

KernelPlaneOptions plane_options(const Config& config);

/// As steering.mode says: "auto" falls back to sockets and says why, "kernel" fails instead.
Result<PlaneStart> start_plane(const Config& config);

}  // namespace penstock
