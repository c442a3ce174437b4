// Where services contend: one name for two, or one port of one protocol at one edge.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/service.h"

namespace penstock {

struct Overlap {
  std::size_t first = 0;   // index of the service that stands before ...
  std::size_t second = 0;  // ... the one that is in its way
  bool of_names = false;   // else of ports
  std::string what;        // names both services, and the protocol and port
};

/// At most `most` of the contentions among the services; a service without name or ports contends with none.
std::vector<Overlap> find_overlaps(const std::vector<Service>& services, std::size_t most);

}  // namespace penstock
