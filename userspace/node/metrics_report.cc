// GET /metrics: what the node counts, by the table of api/metrics.h.
#include <chrono>

#include "admin/metrics.h"
#include "node/guard_api.h"
#include "node/ledger_metrics.h"
#include "node/ledger_sum.h"
#include "node/node.h"
#include "tunnel/gather.h"

namespace penstock {
namespace {

void add_node(MetricsPage& page, const Node& node) {
  page.add(api::kUp, 1);
  page.add(api::kBuildInfo, {PENSTOCK_VERSION}, 1);
  page.add(api::kReady, node.why_not_ready().empty() ? 1 : 0);
  page.add(api::kFlowsOpen, node.connections_open());
  page.add(api::kFlowsTotal, static_cast<double>(node.total(&Counters::flows_opened)));
  page.add(api::kSessionsOpen, node.sessions_open());
  page.add(api::kSessionsTotal, static_cast<double>(node.total(&Counters::sessions_opened)));
  page.add(api::kBytesTotal, {"to_backend"}, static_cast<double>(node.total(&Counters::bytes_to_backend)));
  page.add(api::kBytesTotal, {"to_client"}, static_cast<double>(node.total(&Counters::bytes_to_client)));
  page.add(api::kWindowGrantedBytes, {"to_backend"}, static_cast<double>(node.to_backend().granted()));
  page.add(api::kWindowGrantedBytes, {"to_client"}, static_cast<double>(node.to_client().granted()));
  for (const ReasonInfo& info : kReasons) {
    page.add(api::kReasonTotal, {info.label}, static_cast<double>(node.total(info.reason)));
  }
}

void add_hub(MetricsPage& page, Hub& hub) {
  page.add(api::kEdgesConnected, static_cast<double>(hub.tunnels().connected()));
  for (const auto& [name, entry] : hub.services().entries()) {
    const ServiceBook& book = *entry.book;
    page.add(api::kServiceFlowsOpen, {name}, static_cast<double>(book.flows_open.load()));
    page.add(api::kServiceFlowsTotal, {name}, static_cast<double>(book.flows_total.load()));
    page.add(api::kServiceBytesTotal, {name, "to_backend"}, static_cast<double>(book.to_backend.load()));
    page.add(api::kServiceBytesTotal, {name, "to_client"}, static_cast<double>(book.to_client.load()));
  }
  for (const PortState& state : hub.ports()) {
    page.add(api::kPortState,
             {state.edge, state.service, to_string(state.protocol), state.ports.to_string(), state.state}, 1);
  }
}

void add_rtt(MetricsPage& page, const std::string& edge, const std::string& carrier, Duration rtt) {
  if (rtt > Duration{}) page.add(api::kCarrierRttSeconds, {edge, carrier}, seconds_of(rtt));
}

/// Of all addresses and workers together; nothing where QUIC is not served.
void add_quic_door(MetricsPage& page, const std::vector<QuicEndpointReport>& doors) {
  if (doors.empty()) return;
  for (const QuicEndpointCount& count : kQuicEndpointCounts)
    page.add(api::kQuicDoorTotal, {std::string{count.name}}, static_cast<double>(count.total(doors)));
}

/// Sends the page when the last one who holds it lets go.
struct MetricsReply {
  explicit MetricsReply(AdminReply r) : reply{std::move(r)} {}
  ~MetricsReply() {
    page.add(api::kCarriersUp, carriers_up);
    reply(page.response());
  }
  AdminReply reply;
  MetricsPage page;
  double carriers_up = 0;
};

void metrics(Node& node, AdminReply reply) {
  const auto held = std::make_shared<MetricsReply>(std::move(reply));
  add_node(held->page, node);
  add_packets(held->page, node);
  gather_ledger(node, [held](const std::vector<LedgerSum>& sums) { add_datagrams(held->page, sums); });
  if (Hub* const hub = node.hub()) {
    add_hub(held->page, *hub);
    gather<CarrierSummary>(
        node.control(), *hub, [](HubWorker& worker) { return worker.carriers(); },
        [held](const std::vector<CarrierSummary>& carriers) {
          held->carriers_up += static_cast<double>(carriers.size());
          for (const CarrierSummary& carrier : carriers) {
            add_rtt(held->page, carrier.edge, std::to_string(carrier.id.number), carrier.report.rtt);
          }
        });
    gather<QuicEndpointReport>(
        node.control(), *hub, [](HubWorker& worker) { return worker.quic_doors(); },
        [held](const std::vector<QuicEndpointReport>& doors) { add_quic_door(held->page, doors); });
  }
  if (Edge* const edge = node.edge()) {
    gather<EdgeCarrierSummary>(
        node.control(), *edge, [](EdgeWorker& worker) { return worker.carriers(); },
        [held, edge](const std::vector<EdgeCarrierSummary>& carriers) {
          for (const EdgeCarrierSummary& carrier : carriers) {
            held->carriers_up += carrier.up ? 1 : 0;
            add_rtt(held->page, edge->address().edge_id, std::to_string(carrier.index), carrier.report.rtt);
          }
        });
  }
}

}  // namespace

void add_metrics(Router& router, Node& node) {
  router.add("GET", "/metrics",
             [&node](const AdminRequest&, AdminReply reply) { metrics(node, std::move(reply)); });
}

}  // namespace penstock
