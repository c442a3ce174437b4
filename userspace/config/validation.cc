// What must hold between keys.
#include <map>

#include "config/byte_size.h"
#include "config/draft.h"
#include "config/duration.h"
#include "config/overlap.h"

namespace penstock {
namespace {

constexpr std::uint64_t kInitialWindow = 16 << 10;  // bytes that each flow may have in flight from its start
constexpr std::size_t kMostOverlaps = 20;

void check_roles(Draft& draft) {
  const Config& config = draft.config;
  if (!config.hub && !config.edge && draft.sound({"hub", "edge"})) {
    draft.refuse("", "the node has no role: write a section [hub] or [edge]");
  }
  if (!config.hub && !config.services.empty() && draft.sound({"hub"})) {
    draft.problems.add(draft.where("service[0]"), "service",
                       "services belong to a hub, and this node has no section [hub]: declare them there");
  }
}

void check_admin(Draft& draft) {
  const AdminConfig& admin = draft.config.admin;
  if (!draft.sound({"admin.http", "admin.http_public"}) || !admin.http || admin.http_public) return;
  if (admin.http->address.is_loopback()) return;
  draft.refuse("admin.http",
               admin.http->to_string() +
                   " can be reached from other machines: write a loopback address, or http_public = true "
                   "if everyone there may read /live, /ready and /metrics");
}

void check_limits(Draft& draft) {
  const LimitsConfig& limits = draft.config.limits;
  if (!draft.sound({"limits.flows", "limits.window_budget"})) return;
  const std::uint64_t needed = limits.flows * kInitialWindow;
  if (needed <= limits.window_budget) return;
  draft.refuse("limits.window_budget", std::to_string(limits.flows) + " flows of " +
                                           format_byte_size(kInitialWindow) + " each need at least " +
                                           format_byte_size(needed) + ": raise it, or lower limits.flows");
}

void check_tunnel(Draft& draft) {
  const TunnelConfig& tunnel = draft.config.tunnel;
  if (!draft.sound({"tunnel.ping", "tunnel.timeout"}) || tunnel.timeout > tunnel.ping) return;
  draft.refuse("tunnel.timeout",
               format_duration(tunnel.timeout) +
                   " gives a peer up before its answer to a ping can come: write more than ping, " +
                   format_duration(tunnel.ping));
}

void check_hub(Draft& draft) {
  const HubConfig& hub = *draft.config.hub;
  if (hub.certificate.empty() != hub.key.empty() && draft.sound({"hub.certificate", "hub.key"})) {
    draft.refuse(hub.key.empty() ? "hub.certificate" : "hub.key",
                 "certificate and key go together: write both, or neither to have them generated");
  }
  std::map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < hub.edges.size(); ++i) {
    const std::string& id = hub.edges[i].id;
    if (id.empty() || seen.emplace(id, i).second) continue;
    const std::string place = "hub.edges[" + std::to_string(i) + "].id";
    draft.problems.add(draft.where(place), "hub.edges.id",
                       "two edges have the id \"" + id + "\": rename one");
  }
}

/// With a token the hub and the secret come from there; without, each must be written.
void check_identity(Draft& draft) {
  const EdgeConfig& edge = *draft.config.edge;
  const bool tokened = !edge.token_file.empty();
  const auto check = [&](std::string_view key, bool written) {
    if (!draft.sound({key, "edge.token_file"})) return;
    if (tokened && written)
      draft.refuse(key, "the token holds it already: write either this or edge.token_file");
    if (!tokened && !written)
      draft.refuse(key, "is missing: write edge.token_file, or all of hub, id and secret_file");
  };
  check("edge.hub", edge.hub.has_value());
  check("edge.id", !edge.id.empty());
  check("edge.secret_file", !edge.secret_file.empty());
  if (tokened && !edge.pins.empty())
    draft.refuse("edge.pins", "the token holds the hub's pins: write either these or edge.token_file");
}

/// The hub is known by pins, by a CA, or not at all: one of them.
void check_trust(Draft& draft) {
  const EdgeConfig& edge = *draft.config.edge;
  if (!draft.sound({"edge.pins", "edge.ca_file", "edge.hub_name", "edge.insecure_accept_any_hub"})) return;
  const bool pinned = !edge.pins.empty();
  const bool certified = !edge.ca_file.empty();
  if (pinned && certified)
    draft.refuse("edge.ca_file", "the hub is known by its pins already: write either ca_file or pins");
  if (edge.insecure_accept_any_hub && (pinned || certified)) {
    draft.refuse("edge.insecure_accept_any_hub", "contradicts pins and ca_file: leave it out");
  }
  if (!edge.hub_name.empty() && !certified) {
    draft.refuse("edge.hub_name",
                 "is compared with a certificate that ca_file verifies: write ca_file too, or leave it out");
  }
  if (edge.token_file.empty() && !pinned && !certified && !edge.insecure_accept_any_hub) {
    draft.refuse(
        "edge.pins",
        "nothing proves that the hub is ours: write pins as the hub's status shows them, or ca_file");
  }
}

void check_edge_ports(Draft& draft) {
  const EdgeConfig& edge = *draft.config.edge;
  if (!draft.sound({"edge.ports.allow", "edge.ports.deny"})) return;
  if (!edge.ports_allow.difference(edge.ports_deny).empty()) return;
  draft.refuse("edge.ports.deny", "denies every port that allow permits: leave the edge one at least");
}

void check_services(Draft& draft) {
  const std::vector<Service>& services = draft.config.services;
  for (const Overlap& overlap : find_overlaps(services, kMostOverlaps)) {
    const std::string key = overlap.of_names ? "name" : "ports";
    const std::string place = "service[" + std::to_string(overlap.second) + "]." + key;
    draft.problems.add(draft.where(place), "service." + key, overlap.what);
  }
  if (!draft.sound({"service.protocol", "service.client", "service.proxy_v2", "service.way"})) return;
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const Contradiction& one : find_contradictions(services[i])) {
      const std::string place = "service[" + std::to_string(i) + "]." + std::string{one.key};
      draft.problems.add(draft.where(place), "service." + std::string{one.key}, one.what);
    }
  }
}

}  // namespace

void validate(Draft& draft) {
  check_roles(draft);
  check_admin(draft);
  check_limits(draft);
  check_tunnel(draft);
  if (draft.config.hub) check_hub(draft);
  if (draft.config.edge) {
    check_identity(draft);
    check_trust(draft);
    check_edge_ports(draft);
  }
  check_services(draft);
}

}  // namespace penstock
