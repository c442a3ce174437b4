// What the hub assigns to its edges: services and their ports, and the edges themselves.
#include "base/text.h"
#include "hub/hub.h"
#include "penstock/wire/frame.h"
#include "proto/token.h"

namespace penstock {
namespace {

constexpr Duration kResolveEvery = 30s;

boost::json::object described(const Service& service) {
  return {{"service", service.name},
          {"protocol", to_string(service.protocol)},
          {"ports", service.ports.to_string()}};
}

}  // namespace

// ---------------------------------------------------------------------------------------------- services

Assignment Hub::assignment_for(const std::string& edge, std::uint64_t generation) const {
  return catalog_.assignment_for(edge, {.version = 1,
                                        .features = {std::string{wire::kFeatureUdpMove}},
                                        .instance = instance_,
                                        .generation = generation,
                                        .carriers = shared_.limits.carriers_per_tunnel,
                                        .services = {}});
}

/// Brings one edge to what the catalog says now, if that differs from what it was told.
void Hub::assign(const std::string& edge) {
  Assigned& assigned = assigned_[edge];
  std::string wanted = to_line(assignment_for(edge, 0));
  const bool first = assigned.assignment.empty();
  if (assigned.assignment == wanted) return;
  assigned.assignment = std::move(wanted);
  assigned.generation = ++generation_;
  const auto* const tunnel = registry_.find(edge);
  if (tunnel == nullptr) return;
  const Assignment told = assignment_for(edge, 0);
  event(
      first ? "ports_assigned" : "ports_changed",
      {{"edge", edge}, {"ports", ports_of(told).to_string()}, {"udp_ports", udp_ports_of(told).to_string()}});
  send_config(edge, tunnel->carriers.begin()->second);
}

void Hub::send_config(const std::string& edge, CarrierId id) {
  const std::uint64_t generation = assigned_[edge].generation;
  guests_.at(id.number).told_generation = generation;
  on_worker(id.worker, [id, json = to_line(assignment_for(edge, generation))](HubWorker& worker) {
    worker.send(id.number, FrameType::kConfig, json);
  });
}

void Hub::services_changed() {
  std::map<std::string, std::shared_ptr<const RouteTable>> tables;
  for (const auto& [number, guest] : guests_) {
    if (guest.edge.empty()) continue;
    auto& table = tables[guest.edge];
    if (table == nullptr) table = catalog_.routes_for(guest.edge);
    on_worker(guest.id.worker,
              [number = number, table](HubWorker& worker) { worker.set_routes(number, table); });
  }
  for (const auto& [edge, table] : tables) assign(edge);
}

void Hub::resolve_names() {
  lookups_.clear();
  for (const std::string& host : catalog_.names()) {
    lookups_.push_back(parts_.network.resolve(host, [this, host](Result<std::vector<IpAddress>> addresses) {
      if (!addresses) {
        event("resolve_failed", {{"host", printable(host, 255)}, {"text", addresses.error().what}});
      } else if (catalog_.resolved(host, *addresses)) {
        services_changed();
      }
    }));
  }
  resolve_timer_->arm(parts_.control.now() + kResolveEvery);
}

Result<void> Hub::add_service(const Service& service) {
  auto added = catalog_.add(service);
  if (!added) return added;
  event("service_added", described(service));
  resolve_names();
  services_changed();
  return {};
}

Result<void> Hub::change_service(const Service& service) {
  auto changed = catalog_.change(service);
  if (!changed) return changed;
  event("service_changed", described(service));
  resolve_names();
  services_changed();
  return {};
}

Result<void> Hub::remove_service(const std::string& name) {
  auto removed = catalog_.remove(name);
  if (!removed) return removed;
  event("service_removed", {{"service", name}});
  services_changed();
  return {};
}

Result<void> Hub::drain_service(const std::string& name, bool on) {
  auto drained = catalog_.drain(name, on);
  if (!drained) return drained;
  event("service_changed", {{"service", name}, {"draining", on}});
  services_changed();
  return {};
}

// ---------------------------------------------------------------------------------------------- edges

Result<std::string> Hub::token_for(const std::string& id, const std::string& hub,
                                   const std::string& secret) const {
  HostPort where;
  if (!hub.empty()) {
    auto parsed = HostPort::parse(hub);
    if (!parsed) return parsed.error();
    where = *parsed;
  } else if (config_.hub->public_address) {
    where = *config_.hub->public_address;
  } else {
    return error(Errc::kInvalid,
                 "where do edges dial? give --hub HOST:PORT, or set hub.public in the configuration");
  }
  return encode_token({.hub = where, .edge_id = id, .secret = secret, .pins = {identity_.pin}});
}

Result<std::string> Hub::add_edge(const std::string& id, const std::string& hub, const std::string& secret) {
  auto checked = token_for(id, hub, secret);  // before anything is kept
  if (!checked) return checked;
  auto added = directory_.add(id, secret);
  if (!added) return added;
  event("edge_added", {{"edge", id}});
  return token_for(id, hub, *added);
}

Result<std::string> Hub::rotate_edge(const std::string& id, const std::string& hub) {
  auto checked = token_for(id, hub, {});
  if (!checked) return checked;
  auto rotated = directory_.rotate(id);
  if (!rotated) return rotated;
  event("edge_rotated", {{"edge", id}});
  return token_for(id, hub, *rotated);
}

Result<void> Hub::remove_edge(const std::string& id) {
  auto removed = directory_.remove(id);
  if (!removed) return removed;
  event("edge_removed", {{"edge", id}});
  forget_edge(id);
  return {};
}

/// One that the directory does not know any more.
void Hub::forget_edge(const std::string& id) {
  close_carriers_of(id, PST_R_EDGE_REMOVED);
  registry_.forget(id);
  books_.forget(id);
}

/// Sessions of the edge's other instances end; no instance is 0.
void Hub::keep_sessions_of(const std::string& edge, std::uint64_t instance, Reason reason) {
  for (const Worker& worker : parts_.workers) {
    on_worker(worker.index,
              [edge, instance, reason](HubWorker& hub) { hub.sessions().keep_only(edge, instance, reason); });
  }
}

void Hub::close_carriers_of(const std::string& edge, Reason reason) {
  keep_sessions_of(edge, 0, reason);
  for (const auto& [number, guest] : guests_) {
    if (guest.edge != edge) continue;
    on_worker(guest.id.worker, [number = number, reason](HubWorker& worker) {
      worker.close(number, reason, std::string{help_of(reason)}, {});
    });
  }
}

}  // namespace penstock
