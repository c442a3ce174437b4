#include "hub/service_catalog.h"

#include <penstock/wire/frame.h>

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

constexpr std::uint32_t kMostPorts = 131072;  // a port of TCP and UDP is two
constexpr std::size_t kMostServices = 2048;
constexpr std::size_t kMostOfServices = wire::kMaxJson - (16U << 10);  // the rest is for other keys

std::uint32_t protocols_of(const Service& service) {
  return service.protocol == Protocol::kBoth ? 2 : 1;
}

/// Where an edge finds the backend: addresses of 15 to 39 characters with quotes and comma, and the keys
/// around them.
constexpr std::size_t kToldOfDirect = wire::kMaxAddresses * std::size_t{42} + 200;

/// No less than the service takes of an assignment: its ranges, as "8000-8100", each of their ports, as
/// 65535, and its name among keys.
std::size_t told_bytes(const Service& service) {
  std::size_t ranges = 0;
  for (const PortRange& range : service.ports.ranges()) ranges += range.size() == 1 ? 8 : 14;
  return protocols_of(service) * (ranges + std::size_t{6} * service.ports.size()) + service.name.size() + 80 +
         (service.way == ServiceWay::kDirect ? kToldOfDirect : 0);
}

/// What an edge is told must fit into a frame.
Result<void> check_assignments(const std::vector<Service>& services) {
  std::size_t everywhere = 0;
  std::map<std::string_view, std::size_t> elsewhere{{"*", 0}};
  for (const Service& service : services) {
    for (const std::string& edge : service.edges) {
      (edge == "*" ? everywhere : elsewhere[edge]) += told_bytes(service);
    }
  }
  for (const auto& [edge, bytes] : elsewhere) {
    if (everywhere + bytes <= kMostOfServices) continue;
    return error(Errc::kLimit,
                 "edge \"" + std::string{edge} +
                     "\" would have more services and ports than it can be told: give it fewer, "
                     "or ranges instead of single ports");
  }
  return {};
}

Result<void> check_size(const std::vector<Service>& services) {
  std::uint32_t ports = 0;
  for (const Service& service : services) ports += protocols_of(service) * service.ports.size();
  if (ports > kMostPorts) {
    return error(Errc::kLimit, "all services together have more than " + std::to_string(kMostPorts) +
                                   " ports, those of TCP and of UDP counted apart");
  }
  if (services.size() > kMostServices) {
    return error(Errc::kLimit, "there are more than " + std::to_string(kMostServices) + " services");
  }
  return check_assignments(services);
}

std::vector<std::uint16_t> numbers_of(const PortSet& ports) {
  std::vector<std::uint16_t> numbers;
  for (const PortRange& range : ports.ranges()) {
    for (std::uint32_t port = range.first; port <= range.last; ++port) {
      numbers.push_back(static_cast<std::uint16_t>(port));
    }
  }
  return numbers;
}

DirectService::Header header_of(const Service& service) {
  if (service.client != ClientHeader::kProxyV2) return DirectService::Header::kNone;
  if (service.proxy_v2 == ProxyV2Mode::kFirst) return DirectService::Header::kFirst;
  if (service.proxy_v2 == ProxyV2Mode::kSeparate) return DirectService::Header::kSeparate;
  return DirectService::Header::kEvery;
}

/// Addresses in order: that a resolver turns them round is no change.
DirectService direct_of(const Service& service, std::vector<IpAddress> addresses) {
  std::sort(addresses.begin(), addresses.end());
  if (addresses.size() > wire::kMaxAddresses) addresses.resize(wire::kMaxAddresses);
  return {.addresses = std::move(addresses),
          .port = service.target.port,
          .shifted = service.target.offset,
          .header = header_of(service),
          .transparent = service.client == ClientHeader::kTransparent,
          .max_sessions = service.max_flows,
          .max_sessions_per_source = service.max_flows_per_source,
          .draining = service.draining};
}

}  // namespace

Result<void> ServiceCatalog::load(const Config& config) {
  auto stored = store_.services();
  if (!stored) return stored.error();
  for (const Service& service : *stored) put(service, false, {});
  auto changed = redeclare(config);
  if (!changed) return changed.error();
  return {};
}

Result<void> ServiceCatalog::check(const Config& config) const {
  std::vector<Service> all = config.services;
  for (const auto& [name, entry] : entries_) {
    if (!entry.declared) all.push_back(*entry.service);
  }
  auto apart = check_overlaps(all);
  if (!apart)
    return std::move(apart).error().within("the file's services and those added by operators do not fit");
  return check_size(all);
}

Result<std::vector<std::string>> ServiceCatalog::redeclare(const Config& config) {
  auto fits = check(config);
  if (!fits) return fits.error();
  std::vector<std::string> changes;
  std::set<std::string> wanted;
  for (Service service : config.services) {
    wanted.insert(service.name);
    const Entry* const held = find(service.name);
    service.draining = held != nullptr && held->declared && held->service->draining;
    if (held == nullptr) changes.push_back("service '" + service.name + "' added");
    if (held != nullptr && *held->service != service)
      changes.push_back("service '" + service.name + "' changed");
    const auto position = config.service_positions.find(service.name);
    put(service, true, position == config.service_positions.end() ? Position{} : position->second);
  }
  std::erase_if(entries_, [&](const auto& entry) {
    const bool gone = entry.second.declared && !wanted.contains(entry.first);
    if (gone) changes.push_back("service '" + entry.first + "' removed");
    return gone;
  });
  return changes;
}

void ServiceCatalog::put(const Service& service, bool declared, const Position& position) {
  Entry& entry = entries_[service.name];
  if (entry.book == nullptr) entry.book = std::make_shared<ServiceBook>();
  entry.service = std::make_shared<const Service>(service);
  entry.declared = declared;
  entry.position = position;
  const auto literal = IpAddress::parse(service.target.host);
  const auto known = known_hosts_.find(service.target.host);
  entry.addresses.clear();
  if (literal) {
    entry.addresses.push_back(*literal);
  } else if (known != known_hosts_.end()) {
    entry.addresses = known->second;
  }
}

Result<void> ServiceCatalog::check(const Service& service) const {
  auto sound = check_service(service);
  if (!sound) return sound;
  std::vector<Service> all{service};
  for (const auto& [name, entry] : entries_) {
    if (name != service.name) all.push_back(*entry.service);
  }
  auto apart = check_overlaps(all);
  if (!apart) return apart;
  return check_size(all);
}

Result<const ServiceCatalog::Entry*> ServiceCatalog::changeable(const std::string& name) const {
  const Entry* const entry = find(name);
  if (entry == nullptr) return error(Errc::kNotFound, "there is no service '" + name + "'");
  if (entry->declared) {
    return error(Errc::kRefused, "service '" + name + "' is declared in " + to_string(entry->position) +
                                     ": change it there and reload");
  }
  return entry;
}

Result<void> ServiceCatalog::add(const Service& service) {
  if (find(service.name) != nullptr) {
    return error(Errc::kExists, "there is a service '" + service.name + "' already");
  }
  auto apart = check(service);
  if (!apart) return apart;
  auto kept = store_.put_service(service);
  if (kept) put(service, false, {});
  return kept;
}

Result<void> ServiceCatalog::change(const Service& service) {
  auto held = changeable(service.name);
  if (!held) return held.error();
  auto apart = check(service);
  if (!apart) return apart;
  auto kept = store_.put_service(service);
  if (kept) put(service, false, {});
  return kept;
}

Result<void> ServiceCatalog::remove(const std::string& name) {
  auto held = changeable(name);
  if (!held) return held.error();
  auto gone = store_.remove_service(name);
  if (gone) entries_.erase(name);
  return gone;
}

Result<void> ServiceCatalog::drain(const std::string& name, bool on) {
  const Entry* const entry = find(name);
  if (entry == nullptr) return error(Errc::kNotFound, "there is no service '" + name + "'");
  Service service = *entry->service;
  service.draining = on;
  if (!entry->declared) return change(service);
  put(service, true, Position{entry->position});
  return {};
}

const ServiceCatalog::Entry* ServiceCatalog::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

std::set<std::string> ServiceCatalog::names() {
  std::set<std::string> out;
  for (const auto& [name, entry] : entries_) {
    const std::string& host = entry.service->target.host;
    if (!IpAddress::parse(host)) out.insert(host);
  }
  std::erase_if(known_hosts_, [&](const auto& known) { return !out.contains(known.first); });
  return out;
}

bool ServiceCatalog::resolved(const std::string& host, const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress>& known = known_hosts_[host];
  if (known == addresses) return false;
  known = addresses;
  for (auto& [name, entry] : entries_) {
    if (entry.service->target.host == host) entry.addresses = addresses;
  }
  return true;
}

Assignment ServiceCatalog::assignment_for(std::string_view edge, const Assignment::Extension& base) const {
  Assignment assignment;
  assignment.penstock = base;
  for (const auto& [name, entry] : entries_) {
    const Service& service = *entry.service;
    if (!service.is_for(edge)) continue;
    AssignedService& told = assignment.penstock->services.emplace_back(AssignedService{.name = name});
    if (service.has_tcp()) told.ports = service.ports;
    if (!service.has_udp()) continue;
    told.udp_ports = service.ports;
    told.udp_idle = service.udp_idle;
    if (service.way == ServiceWay::kDirect) told.direct = direct_of(service, entry.addresses);
  }
  assignment.listen_ports = numbers_of(ports_of(assignment));
  assignment.listen_ports_udp = numbers_of(udp_ports_of(assignment));
  return assignment;
}

std::shared_ptr<const RouteTable> ServiceCatalog::routes_for(std::string_view edge) const {
  std::vector<Route> routes;
  for (const auto& [name, entry] : entries_) {
    if (entry.service->is_for(edge)) routes.push_back({entry.service, entry.book, entry.addresses});
  }
  return std::make_shared<const RouteTable>(routes);
}

}  // namespace penstock
