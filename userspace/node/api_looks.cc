// The nouns of the admin API: they look and never change anything. Shapes: include/penstock/api/admin.md.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_from.hpp>
#include <chrono>

#include "admin/body.h"
#include "node/guard_api.h"
#include "node/node.h"
#include "proto/token.h"
#include "tunnel/gather.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr std::size_t kFlowsShown = 100;
constexpr std::size_t kMostFlowsShown = 100000;

std::string hex(std::uint64_t number) {
  std::array<std::byte, 8> bytes{};
  store_u64(bytes.data(), number);
  return to_hex(bytes);
}

json::object edge_status(Edge& edge) {
  return {{"id", edge.address().edge_id},
          {"hub", edge.address().hub.to_string()},
          {"connected", edge.connected()},
          {"carriers_up", edge.carriers_up()},
          {"carriers_wanted", edge.carriers_wanted()},
          {"last_error", edge.last_error()},
          {"ports", edge.ports().open().to_string()},
          {"udp_ports", edge.udp_ports().open().to_string()},
          {"held", edge.held()}};
}

json::object hub_status(Hub& hub) {
  json::array listen;
  for (const Endpoint& endpoint : hub.listening()) listen.emplace_back(endpoint.to_string());
  return {{"listen", std::move(listen)},
          {"pin", to_string(hub.pin())},
          {"edges_known", hub.edges_known()},
          {"edges_connected", hub.tunnels().connected()},
          {"services", hub.services().entries().size()}};
}

json::object reasons_of(const Node& node) {
  json::object out;
  for (const ReasonInfo& info : kReasons) {
    if (const std::uint64_t count = node.total(info.reason)) out[info.label] = count;
  }
  return out;
}

json::object status(Node& node) {
  json::array roles;
  if (node.hub() != nullptr) roles.emplace_back("hub");
  if (node.edge() != nullptr) roles.emplace_back("edge");
  const auto why = node.why_not_ready();
  json::object out{{"name", node.config().node.name},
                   {"version", PENSTOCK_VERSION},
                   {"pid", ::getpid()},
                   {"uptime_s", std::chrono::floor<std::chrono::seconds>(node.uptime()).count()},
                   {"roles", std::move(roles)},
                   {"ready", why.empty()},
                   {"why", json::value_from(why)},
                   {"draining", node.draining()},
                   {"log_level", node.log_level()},
                   {"flows",
                    {{"open", node.connections_open()},
                     {"opened", node.total(&Counters::flows_opened)},
                     {"limit", node.config().limits.flows}}},
                   {"sessions",
                    {{"open", node.sessions_open()},
                     {"opened", node.total(&Counters::sessions_opened)},
                     {"limit", node.config().limits.sessions}}},
                   {"bytes",
                    {{"to_backend", node.total(&Counters::bytes_to_backend)},
                     {"to_client", node.total(&Counters::bytes_to_client)}}},
                   {"window",
                    {{"budget", node.config().limits.window_budget},
                     {"granted_to_backend", node.to_backend().granted()},
                     {"granted_to_client", node.to_client().granted()}}},
                   {"steering", steering_status(node)},
                   {"reasons", reasons_of(node)}};
  if (node.edge() != nullptr) out["edge"] = edge_status(*node.edge());
  if (node.hub() != nullptr) out["hub"] = hub_status(*node.hub());
  return out;
}

// ---------------------------------------------------------------------------------------------- edges,
// services

json::object edge_row(const EdgeState& state, std::size_t flows) {
  const auto* const tunnel = state.tunnel;
  return {{"id", state.entry.record.id},
          {"origin", state.entry.declared ? "file" : "store"},
          {"position", to_string(state.entry.position)},
          {"connected", tunnel != nullptr},
          {"address", state.address},
          {"carriers", tunnel == nullptr ? 0 : tunnel->carriers.size()},
          {"flows", flows},
          {"connected_s", tunnel == nullptr ? 0.0 : seconds_of(Clock::now() - tunnel->since)},
          {"legacy", tunnel != nullptr && tunnel->legacy},
          {"ports_failed", state.ports_failed},
          {"rotating", state.entry.rotating}};
}

void list_edges(Node& node, AdminReply reply) {
  // Flows are counted where they are: on the workers. The reply waits for all of them.
  const auto answer = std::make_shared<AdminReply>(std::move(reply));
  gather<CarrierSummary>(
      node.control(), *node.hub(), [](HubWorker& worker) { return worker.carriers(); },
      [&node, answer](const std::vector<CarrierSummary>& carriers) {
        json::array rows;
        for (const EdgeState& state : node.hub()->edges()) {
          std::size_t flows = 0;
          for (const CarrierSummary& carrier : carriers) {
            if (carrier.edge == state.entry.record.id) flows += carrier.report.streams;
          }
          rows.push_back(edge_row(state, flows));
        }
        answer->json(json::object{{"edges", std::move(rows)}});
      });
}

json::array list_services(Hub& hub) {
  json::array rows;
  for (const auto& [name, entry] : hub.services().entries()) {
    json::object row = json::parse(service_to_json(*entry.service)).as_object();
    json::array addresses;
    for (const IpAddress& address : entry.addresses) addresses.emplace_back(address.to_string());
    row["origin"] = entry.declared ? "file" : "store";
    row["position"] = to_string(entry.position);
    row["flows"] = entry.book->flows_open.load();
    row["flows_total"] = entry.book->flows_total.load();
    row["bytes_to_backend"] = entry.book->to_backend.load();
    row["bytes_to_client"] = entry.book->to_client.load();
    row["addresses"] = std::move(addresses);
    rows.push_back(std::move(row));
  }
  return rows;
}

// ---------------------------------------------------------------------------------------------- flows

struct FlowFilter {
  std::string service, client, edge;
  std::size_t limit = kFlowsShown;

  bool wants(const FlowReport& flow, std::string_view of_edge) const {
    return (service.empty() || flow.service == service) && (edge.empty() || of_edge == edge) &&
           (client.empty() || flow.client.address.to_string() == client || flow.client.to_string() == client);
  }
};

Result<FlowFilter> filter_of(const AdminRequest& request) {
  const auto get = [&](std::string_view name) {
    const std::string* const value = request.query(name);
    return value == nullptr ? std::string{} : *value;
  };
  const auto limit = query_number(request, "limit", kFlowsShown, kMostFlowsShown);
  if (!limit) return limit.error();
  return FlowFilter{.service = get("service"), .client = get("client"), .edge = get("edge"), .limit = *limit};
}

json::object flow_row(const FlowReport& flow, std::string_view edge, const std::string& id,
                      std::string carrier) {
  return {{"id", id},
          {"service", flow.service},
          {"edge", edge},
          {"client", flow.client.to_string()},
          {"local", flow.local.to_string()},
          {"backend", flow.backend.port == 0 ? std::string{} : flow.backend.to_string()},
          {"age_s", seconds_of(flow.age)},
          {"idle_s", seconds_of(flow.idle)},
          {"to_backend", flow.to_backend},
          {"to_client", flow.to_client},
          {"state", flow.state},
          {"tier", flow.tier},
          {"carrier", std::move(carrier)}};
}

/// Collects the rows of both roles; the reply goes out when the last role has told.
struct FlowListing {
  FlowFilter filter;
  AdminReply reply;
  json::array rows;
  std::size_t total = 0;

  FlowListing(FlowFilter f, AdminReply r) : filter{std::move(f)}, reply{std::move(r)} {}
  ~FlowListing() { reply.json(json::object{{"flows", std::move(rows)}, {"total", total}}); }

  void add(const FlowReport& flow, std::string_view edge, const std::string& id, std::string carrier) {
    if (!filter.wants(flow, edge)) return;
    if (++total <= filter.limit) rows.push_back(flow_row(flow, edge, id, std::move(carrier)));
  }
};

void list_flows(Node& node, const AdminRequest& request, AdminReply reply) {
  auto filter = filter_of(request);
  if (!filter) return reply.error(filter.error());
  const auto listing = std::make_shared<FlowListing>(std::move(*filter), std::move(reply));
  if (Hub* const hub = node.hub()) {
    gather<FlowSummary>(
        node.control(), *hub, [](HubWorker& worker) { return worker.flows(); },
        [listing](const std::vector<FlowSummary>& flows) {
          for (const FlowSummary& summary : flows) {
            const std::string carrier = std::to_string(summary.carrier);
            listing->add(summary.flow, summary.edge,
                         summary.edge + "/" + hex(summary.instance) + "/" + carrier + "." +
                             std::to_string(summary.flow.stream),
                         carrier);
          }
        });
  }
  if (Edge* const edge = node.edge()) {
    gather<EdgeFlowSummary>(
        node.control(), *edge, [](EdgeWorker& worker) { return worker.flows(); },
        [edge, listing](const std::vector<EdgeFlowSummary>& flows) {
          for (const EdgeFlowSummary& summary : flows) {
            listing->add(summary.flow, edge->address().edge_id,
                         edge->address().edge_id + "/" + hex(edge->instance()) + "/" +
                             std::to_string(summary.carrier) + "." + std::to_string(summary.flow.stream),
                         std::to_string(summary.carrier));
          }
        });
  }
}

// ---------------------------------------------------------------------------------------------- tunnels

json::object quic_row(const QuicReport& report) {
  return {{"sent_packets", report.sent_packets},
          {"lost_packets", report.lost_packets},
          {"received_packets", report.received_packets},
          {"marked_packets", report.marked_packets},
          {"congestion_window", report.congestion_window},
          {"in_flight", report.in_flight},
          {"packet_size", report.packet_size},
          {"migrations", report.migrations}};
}

json::object carrier_row(const CarrierReport& report) {
  json::object row{{"kind", report.quic ? "quic" : "tls"},
                   {"rtt_us", std::chrono::duration_cast<std::chrono::microseconds>(report.rtt).count()},
                   {"flows", report.streams},
                   {"sent", report.sent},
                   {"received", report.received},
                   {"resumed", report.resumed},
                   {"key_updates", report.key_updates}};
  if (report.quic) row["quic"] = quic_row(*report.quic);
  return row;
}

struct TunnelListing {
  explicit TunnelListing(AdminReply r) : reply{std::move(r)} {}
  ~TunnelListing() {
    json::object out{{"tunnels", std::move(tunnels)}};
    if (!quic_door.empty()) out["quic_door"] = std::move(quic_door);
    reply.json(std::move(out));
  }
  AdminReply reply;
  json::array tunnels;
  json::object quic_door;
};

/// Of all addresses and workers together; empty where QUIC is not served.
json::object door_row(const std::vector<QuicEndpointReport>& doors) {
  json::object row;
  if (doors.empty()) return row;
  for (const QuicEndpointCount& count : kQuicEndpointCounts) row[count.name] = count.total(doors);
  return row;
}

void add_hub_tunnels(json::array& tunnels, Hub& hub, const std::vector<CarrierSummary>& summaries) {
  for (const EdgeState& state : hub.edges()) {
    if (state.tunnel == nullptr) continue;
    json::array carriers;
    for (const auto& [index, id] : state.tunnel->carriers) {
      for (const CarrierSummary& summary : summaries) {
        if (summary.id != id) continue;
        json::object row = carrier_row(summary.report);
        row["index"] = index;
        row["worker"] = id.worker;
        row["peer"] = summary.peer;
        row["local"] = summary.local;
        row["cipher"] = summary.cipher;
        row["age_s"] = seconds_of(summary.age);
        row["up"] = true;
        row["why"] = "";
        carriers.push_back(std::move(row));
      }
    }
    tunnels.push_back(json::object{{"edge", state.entry.record.id},
                                   {"instance", hex(state.tunnel->instance)},
                                   {"legacy", state.tunnel->legacy},
                                   {"carriers", std::move(carriers)}});
  }
}

/// Its carriers by their index, whichever worker they are on.
void add_edge_tunnel(json::array& tunnels, Edge& edge, std::vector<EdgeCarrierSummary> summaries) {
  std::ranges::stable_sort(summaries, {}, &EdgeCarrierSummary::index);
  json::array carriers;
  bool legacy = false;
  for (const EdgeCarrierSummary& summary : summaries) {
    json::object row = carrier_row(summary.report);
    row["index"] = summary.index;
    row["kind"] = summary.kind == CarrierKind::kQuic ? "quic" : "tls";
    row["worker"] = summary.worker;
    row["peer"] = summary.peer;
    row["local"] = summary.local;
    row["cipher"] = summary.cipher;
    row["age_s"] = seconds_of(summary.age);
    row["up"] = summary.up;
    row["why"] = summary.why;
    row["why_tls"] = summary.why_fallback;
    legacy = legacy || summary.legacy;
    carriers.push_back(std::move(row));
  }
  tunnels.push_back(json::object{{"edge", edge.address().edge_id},
                                 {"instance", hex(edge.instance())},
                                 {"legacy", legacy},
                                 {"carriers", std::move(carriers)}});
}

void list_tunnels(Node& node, AdminReply reply) {
  const auto listing = std::make_shared<TunnelListing>(std::move(reply));
  if (Hub* const hub = node.hub()) {
    gather<CarrierSummary>(
        node.control(), *hub, [](HubWorker& worker) { return worker.carriers(); },
        [hub, listing](const std::vector<CarrierSummary>& all) {
          add_hub_tunnels(listing->tunnels, *hub, all);
        });
    gather<QuicEndpointReport>(
        node.control(), *hub, [](HubWorker& worker) { return worker.quic_doors(); },
        [listing](const std::vector<QuicEndpointReport>& doors) { listing->quic_door = door_row(doors); });
  }
  if (Edge* const edge = node.edge()) {
    gather<EdgeCarrierSummary>(
        node.control(), *edge, [](EdgeWorker& worker) { return worker.carriers(); },
        [edge, listing](const std::vector<EdgeCarrierSummary>& all) {
          add_edge_tunnel(listing->tunnels, *edge, all);
        });
  }
}

}  // namespace

void add_looks(Router& router, Node& node) {
  router.add("GET", "/ready", [&node](const AdminRequest&, AdminReply reply) {
    const auto why = node.why_not_ready();
    reply.json(json::object{{"ready", why.empty()}, {"why", json::value_from(why)}}, why.empty() ? 200 : 503);
  });
  router.add("GET", "/v1/status",
             [&node](const AdminRequest&, AdminReply reply) { reply.json(status(node)); });
  router.add("GET", "/v1/flows", [&node](const AdminRequest& request, AdminReply reply) {
    list_flows(node, request, std::move(reply));
  });
  router.add("GET", "/v1/tunnels",
             [&node](const AdminRequest&, AdminReply reply) { list_tunnels(node, std::move(reply)); });
  router.add("GET", "/v1/edges", [&node](const AdminRequest&, AdminReply reply) {
    if (node.hub() == nullptr) return reply.error(404, "this node is no hub: ask the hub for its edges");
    list_edges(node, std::move(reply));
  });
  router.add("GET", "/v1/services", [&node](const AdminRequest&, AdminReply reply) {
    if (node.hub() == nullptr) return reply.error(404, "this node is no hub: ask the hub for its services");
    reply.json(json::object{{"services", list_services(*node.hub())}});
  });
}

}  // namespace penstock
