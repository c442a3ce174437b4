#include "edge/udp_services.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace penstock {
namespace {

using namespace std::chrono_literals;

/// Where the hub does not tell.
constexpr Duration kIdle = 60s;

}  // namespace

bool UdpServices::Policy::permits(const IpAddress& address) const {
  return std::any_of(to.begin(), to.end(),
                     [&](const AddressPrefix& prefix) { return prefix.contains(address); });
}

std::uint16_t UdpServices::Direct::backend_port(std::uint16_t public_port) const {
  if (port == 0) return public_port;
  return lowest == 0 ? port : static_cast<std::uint16_t>(port + (public_port - lowest));
}

UdpServices::UdpServices(const Assignment& assignment, const Policy& policy) : policy_{policy} {
  const auto add = [this](const PortSet& ports, const Entry& entry) {
    for (const PortRange& range : ports.ranges()) {
      entries_.push_back(entry);
      entries_.back().ports = range;
    }
  };
  if (assignment.penstock) {
    for (const AssignedService& service : assignment.penstock->services) {
      add(service.udp_ports, {.ports = {},
                              .service = service.name,
                              .idle = service.udp_idle == Duration{} ? kIdle : service.udp_idle,
                              .direct = direct_of(service)});
    }
  } else {
    add(udp_ports_of(assignment), {.ports = {}, .service = {}, .idle = kIdle});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.ports < b.ports; });
}

/// Nothing where the tunnel is to take the service: also while its target's name has no address, which the
/// hub tells of.
std::optional<UdpServices::Direct> UdpServices::direct_of(const AssignedService& service) {
  if (!service.direct || service.udp_ports.empty() || service.direct->addresses.empty()) return std::nullopt;
  const DirectService& direct = *service.direct;
  const auto refuse = [&](std::string why) {
    refused_.push_back({.service = service.name, .why = std::move(why)});
    return std::nullopt;
  };
  if (!policy_.by_programs) return refuse("this edge steers by sockets, not by kernel programs");
  const auto address = std::find_if(direct.addresses.begin(), direct.addresses.end(),
                                    [this](const IpAddress& each) { return policy_.permits(each); });
  if (address == direct.addresses.end())
    return refuse("its backend " + direct.addresses.front().to_string() + " is not within edge.direct_to");
  const std::uint16_t lowest = service.udp_ports.ranges().front().first;
  const int highest = service.udp_ports.ranges().back().last;
  if (direct.shifted && direct.port + (highest - lowest) > 65535)
    return refuse("its highest port would become one beyond 65535");
  const auto other = std::find_if(address, direct.addresses.end(), [&](const IpAddress& each) {
    return each.is_v4() != address->is_v4() && policy_.permits(each);
  });
  return Direct{.address = *address,
                .other = other == direct.addresses.end() ? std::nullopt : std::optional{*other},
                .port = direct.port,
                .lowest = direct.shifted ? lowest : std::uint16_t{0},
                .header = direct.header,
                .transparent = direct.transparent,
                .max_sessions = direct.max_sessions,
                .max_sessions_per_source = direct.max_sessions_per_source,
                .draining = direct.draining};
}

const UdpServices::Entry* UdpServices::find(std::uint16_t port) const {
  const auto behind =
      std::upper_bound(entries_.begin(), entries_.end(), port,
                       [](std::uint16_t p, const Entry& entry) { return p < entry.ports.first; });
  if (behind == entries_.begin() || std::prev(behind)->ports.last < port) return nullptr;
  return &*std::prev(behind);
}

}  // namespace penstock
