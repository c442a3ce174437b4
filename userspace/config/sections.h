// The sections of the configuration file and their keys: the one table that everything else about keys comes
// from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/field.h"

namespace penstock {

// One list a struct, in a file of its section's name.
const Fields<NodeConfig>& node_fields();
const Fields<AdminConfig>& admin_fields();
const Fields<LimitsConfig>& limits_fields();
const Fields<TunnelConfig>& tunnel_fields();
const Fields<FlowConfig>& flow_fields();
const Fields<SteeringConfig>& steering_fields();
const Fields<GuardConfig>& guard_fields();
const Fields<HubConfig>& hub_fields();
const Fields<DeclaredEdge>& declared_edge_fields();
const Fields<EdgeConfig>& edge_fields();
const Fields<EdgeConfig>& edge_ports_fields();
const Fields<Service>& service_fields();

/// What a role is before its section is read.
HubConfig default_hub();
EdgeConfig default_edge();

/// One [section], or one kind of [[repeated section]], of the file.
struct Section {
  std::string_view name;           // "limits", "edge.ports"; a parent stands before its children
  bool repeated = false;           // [[name]]: each one adds an element
  void (*open)(Config&);           // makes what the fields fill: the role, the new element
  bool (*present)(const Config&);  // whether the fields have something to be compared in
  Fields<Config> fields;           // of a repeated section: they fill the last element
};

const std::vector<Section>& sections();

/// A key that the environment, a flag or a reload may name.
struct KeyInfo {
  std::string path;  // "edge.ports.allow"
  bool repeated;     // belongs to a repeated section
  bool scalar;
};

/// Every key there is, in the order of the sections.
std::vector<KeyInfo> known_keys();

}  // namespace penstock
