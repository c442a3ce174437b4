#include "node/ledger_sum.h"

#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "node/node.h"
#include "tunnel/gather.h"

namespace penstock {

std::vector<LedgerSum> sum_up(const std::vector<LedgerRow>& parts, std::string_view to_backend,
                              std::string_view to_client) {
  std::map<std::tuple<std::string, bool, bool, bool>, LedgerRow> sums;
  for (const LedgerRow& part : parts) {
    const auto [sum, fresh] = sums.try_emplace(part.key(), part);
    if (!fresh) sum->second += part;
  }
  std::vector<LedgerSum> out;
  for (auto& [key, row] : sums) {
    std::string_view hop = row.to_client ? to_client : to_backend;
    if (row.direct) hop = row.to_client ? "backend_to_client" : "client_to_backend";
    out.push_back({.hop = hop, .row = std::move(row)});
  }
  return out;
}

void gather_ledger(Node& node, const std::function<void(const std::vector<LedgerSum>&)>& done) {
  const auto ask = [](auto& worker) { return worker.ledger().rows(); };
  if (Edge* const edge = node.edge()) {
    gather<LedgerRow>(node.control(), *edge, ask, [done, edge, &node](std::vector<LedgerRow> parts) {
      for (LedgerRow& row : edge->ledger().rows()) parts.push_back(std::move(row));
      if (const PlanePorts* const ports = node.plane_ports()) {
        for (LedgerRow& row : ports->dropped()) parts.push_back(std::move(row));
      }
      done(sum_up(parts, "client_to_tunnel", "tunnel_to_client"));
    });
  }
  if (Hub* const hub = node.hub()) {
    gather<LedgerRow>(node.control(), *hub, ask, [done](const std::vector<LedgerRow>& parts) {
      done(sum_up(parts, "tunnel_to_backend", "backend_to_tunnel"));
    });
  }
}

}  // namespace penstock
