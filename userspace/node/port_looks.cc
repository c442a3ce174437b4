// Ports in the admin API: what became of each, of either protocol. Shapes: include/penstock/api/admin.md.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "node/node.h"

namespace penstock {
namespace {

namespace json = boost::json;

json::object port_row(const PortState& state) {
  return {{"edge", state.edge},
          {"service", state.service},
          {"protocol", to_string(state.protocol)},
          {"ports", state.ports.to_string()},
          {"state", state.state},
          {"reason", state.state == "failed" ? label_of(state.reason) : ""},
          {"message", state.message}};
}

/// What became of the edge's own ports of one protocol. A hub of the published protocol names no services:
/// then all ports are of one without a name.
void add_edge_ports(json::array& rows, const Edge& edge, const PortListeners& listeners, Protocol protocol) {
  const auto member = protocol == Protocol::kTcp ? &AssignedService::ports : &AssignedService::udp_ports;
  std::vector<AssignedService> services = edge.services();
  if (services.empty()) services.emplace_back().*member = listeners.wanted();
  const auto failures = listeners.failures();
  for (const AssignedService& service : services) {
    PortState state{.edge = edge.address().edge_id,
                    .service = service.name,
                    .protocol = protocol,
                    .ports = {},
                    .state = "listening",
                    .message = {}};
    const PortSet open = (service.*member).intersection(listeners.open());
    for (const PortRange& ports : open.ranges()) {
      state.ports = ports;
      rows.push_back(port_row(state));
    }
    state.state = "failed";
    for (const PortFailure& failure : failures) {
      PortSet failed;
      failed.add(failure.ports);
      const PortSet mine = (service.*member).intersection(failed);
      for (const PortRange& ports : mine.ranges()) {
        state.ports = ports;
        state.reason = failure.reason;
        state.message = failure.message;
        rows.push_back(port_row(state));
      }
    }
  }
}

json::array list_ports(Node& node) {
  json::array rows;
  if (node.hub() != nullptr) {
    for (const PortState& state : node.hub()->ports()) rows.push_back(port_row(state));
  }
  if (const Edge* const edge = node.edge()) {
    add_edge_ports(rows, *edge, edge->ports(), Protocol::kTcp);
    add_edge_ports(rows, *edge, edge->udp_ports(), Protocol::kUdp);
  }
  return rows;
}

}  // namespace

void add_port_looks(Router& router, Node& node) {
  router.add("GET", "/v1/ports", [&node](const AdminRequest&, AdminReply reply) {
    reply.json(json::object{{"ports", list_ports(node)}});
  });
}

}  // namespace penstock
