// The ledger's datagrams as metrics.
#pragma once

#include <vector>

#include "admin/metrics.h"
#include "node/ledger_sum.h"

namespace penstock {

/// Adds what the lines of datagrams counted; lines of flows have metrics of their own.
void add_datagrams(MetricsPage& page, const std::vector<LedgerSum>& sums);

}  // namespace penstock
