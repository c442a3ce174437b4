// Where a node's kernel programs and maps are pinned.
#pragma once

#include <string>

#include "config/config.h"

namespace penstock {

/// The node's own folder; it has one for each version of what programs and daemon share.
inline std::string node_pins(const Config& config) {
  return config.steering.pins + "/" + config.node.name;
}

}  // namespace penstock
