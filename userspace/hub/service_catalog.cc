#include "hub/service_catalog.h"

#include <utility>

namespace penstock {
namespace {

/// What an edge is told must fit into a frame of 1 MiB: a port takes six bytes there, a service about a
/// hundred.
constexpr std::uint32_t kMostPorts = 131072;
constexpr std::size_t kMostServices = 2048;

Result<void> check_size(const std::vector<Service>& services) {
  std::uint32_t ports = 0;
  for (const Service& service : services) ports += service.ports.size();
  if (ports > kMostPorts) {
    return error(Errc::kLimit,
                 "all services together have more than " + std::to_string(kMostPorts) + " ports");
  }
  if (services.size() > kMostServices) {
    return error(Errc::kLimit, "there are more than " + std::to_string(kMostServices) + " services");
  }
  return {};
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

Result<std::vector<std::string>> ServiceCatalog::redeclare(const Config& config) {
  std::vector<Service> all = config.services;
  for (const auto& [name, entry] : entries_) {
    if (!entry.declared) all.push_back(*entry.service);
  }
  auto apart = check_overlaps(all);
  if (!apart)
    return std::move(apart).error().within("the file's services and those added by operators do not fit");
  auto fits = check_size(all);
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
  auto target = check_target(service);
  if (!target) return target;
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
  PortSet ports;
  for (const auto& [name, entry] : entries_) {
    if (!entry.service->is_for(edge)) continue;
    assignment.penstock->services.push_back({.name = name, .ports = entry.service->ports});
    for (const PortRange& range : entry.service->ports.ranges()) ports.add(range);
  }
  for (const PortRange& range : ports.ranges()) {
    for (std::uint32_t port = range.first; port <= range.last; ++port) {
      assignment.listen_ports.push_back(static_cast<std::uint16_t>(port));
    }
  }
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
