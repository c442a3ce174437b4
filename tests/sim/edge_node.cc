#include "sim/edge_node.h"

namespace penstock {

EdgeNode::EdgeNode(SimInternet& internet, const IpAddress& address, const Config& config,
                   const std::string& token)
    : address_{address}, machine_{internet, address, config} {
  const Token decoded = decode_token(token).value();
  HubAddress hub{.hub = decoded.hub,
                 .edge_id = decoded.edge_id,
                 .secret = decoded.secret,
                 .server_name = decoded.hub.host,
                 .context = TlsContext::client_pinned(decoded.pins).value(),
                 .quic = QuicTls::client_pinned(decoded.pins).value()};
  edge_ = std::make_unique<Edge>(config, Edge::Parts{.control = machine_.control,
                                                     .network = machine_.network,
                                                     .counters = machine_.counters,
                                                     .workers = machine_.workers(),
                                                     .journal = machine_.journal,
                                                     .admission = machine_.admission,
                                                     .sessions_admission = machine_.sessions_admission,
                                                     .steering = steering_,
                                                     .ports = nullptr,
                                                     .instance = random_u64(),
                                                     .budget = machine_.budget,
                                                     .address = std::move(hub)});
  edge_->start();
}

std::vector<EdgeFlowSummary> EdgeNode::flows() const {
  std::vector<EdgeFlowSummary> out;
  for (const auto& worker : edge_->workers()) {
    for (auto& flow : worker->flows()) out.push_back(std::move(flow));
  }
  return out;
}

std::vector<EdgeCarrierSummary> EdgeNode::carriers() const {
  std::vector<EdgeCarrierSummary> out;
  for (const auto& worker : edge_->workers()) {
    for (auto& carrier : worker->carriers()) out.push_back(std::move(carrier));
  }
  return out;
}

}  // namespace penstock
