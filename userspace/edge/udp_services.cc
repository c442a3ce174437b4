#include "edge/udp_services.h"

#include <algorithm>
#include <iterator>

namespace penstock {
namespace {

using namespace std::chrono_literals;

/// Where the hub does not tell.
constexpr Duration kIdle = 60s;

}  // namespace

UdpServices::UdpServices(const Assignment& assignment) {
  const auto add = [this](const PortSet& ports, const std::string& service, Duration idle) {
    for (const PortRange& range : ports.ranges()) entries_.push_back({range, service, idle});
  };
  if (assignment.penstock) {
    for (const AssignedService& service : assignment.penstock->services) {
      add(service.udp_ports, service.name, service.udp_idle == Duration{} ? kIdle : service.udp_idle);
    }
  } else {
    add(udp_ports_of(assignment), {}, kIdle);
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.ports < b.ports; });
}

const UdpServices::Entry* UdpServices::find(std::uint16_t port) const {
  const auto behind =
      std::upper_bound(entries_.begin(), entries_.end(), port,
                       [](std::uint16_t p, const Entry& entry) { return p < entry.ports.first; });
  if (behind == entries_.begin() || std::prev(behind)->ports.last < port) return nullptr;
  return &*std::prev(behind);
}

}  // namespace penstock
