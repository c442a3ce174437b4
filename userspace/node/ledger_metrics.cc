#include "node/ledger_metrics.h"

namespace penstock {

void add_datagrams(MetricsPage& page, const std::vector<LedgerSum>& sums) {
  for (const LedgerSum& sum : sums) {
    const LedgerRow& row = sum.row;
    if (row.flows) continue;
    const auto add = [&](std::string_view outcome, std::uint64_t count) {
      page.add(api::kDatagramsTotal, {row.service, sum.hop, outcome}, static_cast<double>(count));
    };
    add("received", row.received);
    add("sent", row.sent);
    add("dropped", row.dropped_total());
    for (const auto& [reason, count] : row.dropped) {
      page.add(api::kDatagramsDroppedTotal, {row.service, sum.hop, label_of(reason)},
               static_cast<double>(count));
    }
  }
}

}  // namespace penstock
