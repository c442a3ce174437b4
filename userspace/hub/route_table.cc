#include "hub/route_table.h"

#include <algorithm>

namespace penstock {

RouteTable::RouteTable(const std::vector<Route>& routes) {
  for (const Route& route : routes) {
    for (const PortRange& ports : route.service->ports.ranges()) {
      if (route.service->has_tcp()) tcp_.push_back({ports, route});
      if (route.service->has_udp()) udp_.push_back({ports, route});
    }
  }
  const auto by_port = [](const Entry& a, const Entry& b) { return a.ports < b.ports; };
  std::sort(tcp_.begin(), tcp_.end(), by_port);
  std::sort(udp_.begin(), udp_.end(), by_port);
}

const Route* RouteTable::find(const Entries& entries, std::uint16_t port) {
  const auto behind =
      std::upper_bound(entries.begin(), entries.end(), port,
                       [](std::uint16_t p, const Entry& entry) { return p < entry.ports.first; });
  if (behind == entries.begin() || std::prev(behind)->ports.last < port) return nullptr;
  return &std::prev(behind)->route;
}

}  // namespace penstock
