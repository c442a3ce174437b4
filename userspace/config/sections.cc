#include "config/sections.h"

namespace penstock {
namespace {

/// A field of a part of the configuration, as a field of the whole. `in` finds the part.
template <class T, class In>
Field<Config> lift(const Field<T>& field, In in) {
  return {
      .key = field.key,
      .read = [read = field.read, in](const Value& value, Config& config) { return read(value, in(config)); },
      .same = [same = field.same, in](const Config& a, const Config& b) { return same(in(a), in(b)); },
      .copy = [copy = field.copy, in](const Config& from, Config& to) { copy(in(from), in(to)); },
      .scalar = field.scalar,
      .required = field.required,
      .reloadable = field.reloadable};
}

template <class T, class In>
Fields<Config> lift(const Fields<T>& fields, In in) {
  Fields<Config> lifted;
  for (const Field<T>& field : fields) lifted.push_back(lift(field, in));
  return lifted;
}

void open_nothing(Config&) {}
void open_hub(Config& config) {
  if (!config.hub) config.hub = default_hub();
}
void open_edge(Config& config) {
  if (!config.edge) config.edge = default_edge();
}
void add_declared_edge(Config& config) {
  config.hub->edges.emplace_back();
}
void add_service(Config& config) {
  config.services.emplace_back();
}

bool always(const Config&) {
  return true;
}
bool never(const Config&) {
  return false;
}
bool has_hub(const Config& config) {
  return config.hub.has_value();
}
bool has_edge(const Config& config) {
  return config.edge.has_value();
}

constexpr auto kNode = [](auto& config) -> auto& {
  return config.node;
};
constexpr auto kAdmin = [](auto& config) -> auto& {
  return config.admin;
};
constexpr auto kLimits = [](auto& config) -> auto& {
  return config.limits;
};
constexpr auto kTunnel = [](auto& config) -> auto& {
  return config.tunnel;
};
constexpr auto kFlow = [](auto& config) -> auto& {
  return config.flow;
};
constexpr auto kSteering = [](auto& config) -> auto& {
  return config.steering;
};
constexpr auto kGuard = [](auto& config) -> auto& {
  return config.guard;
};
constexpr auto kHub = [](auto& config) -> auto& {
  return *config.hub;
};
constexpr auto kEdge = [](auto& config) -> auto& {
  return *config.edge;
};
constexpr auto kLastDeclaredEdge = [](auto& config) -> auto& {
  return config.hub->edges.back();
};
constexpr auto kLastService = [](auto& config) -> auto& {
  return config.services.back();
};

}  // namespace

const std::vector<Section>& sections() {
  static const std::vector<Section> kSections{
      {"node", false, open_nothing, always, lift(node_fields(), kNode)},
      {"admin", false, open_nothing, always, lift(admin_fields(), kAdmin)},
      {"limits", false, open_nothing, always, lift(limits_fields(), kLimits)},
      {"tunnel", false, open_nothing, always, lift(tunnel_fields(), kTunnel)},
      {"flow", false, open_nothing, always, lift(flow_fields(), kFlow)},
      {"steering", false, open_nothing, always, lift(steering_fields(), kSteering)},
      {"guard", false, open_nothing, always, lift(guard_fields(), kGuard)},
      {"hub", false, open_hub, has_hub, lift(hub_fields(), kHub)},
      {"hub.edges", true, add_declared_edge, never, lift(declared_edge_fields(), kLastDeclaredEdge)},
      {"edge", false, open_edge, has_edge, lift(edge_fields(), kEdge)},
      {"edge.ports", false, open_edge, has_edge, lift(edge_ports_fields(), kEdge)},
      {"service", true, add_service, never, lift(service_fields(), kLastService)},
  };
  return kSections;
}

std::vector<KeyInfo> known_keys() {
  std::vector<KeyInfo> keys;
  for (const Section& section : sections()) {
    for (const Field<Config>& field : section.fields) {
      keys.push_back(
          {std::string{section.name} + "." + std::string{field.key}, section.repeated, field.scalar});
    }
  }
  return keys;
}

}  // namespace penstock
