#include "hub/route_table.h"

#include <algorithm>

namespace penstock {

RouteTable::RouteTable(const std::vector<Route>& routes) {
  for (const Route& route : routes) {
    for (const PortRange& ports : route.service->ports.ranges()) entries_.push_back({ports, route});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.ports < b.ports; });
}

const Route* RouteTable::find(std::uint16_t port) const {
  const auto behind =
      std::upper_bound(entries_.begin(), entries_.end(), port,
                       [](std::uint16_t p, const Entry& entry) { return p < entry.ports.first; });
  if (behind == entries_.begin() || std::prev(behind)->ports.last < port) return nullptr;
  return &std::prev(behind)->route;
}

}  // namespace penstock
