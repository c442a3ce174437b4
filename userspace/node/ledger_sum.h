// The books of a node's workers, added up.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "tunnel/ledger.h"

namespace penstock {

class Node;

/// One line of the node's ledger.
struct LedgerSum {
  std::string_view hop;  // the way through this node, in the words of api/admin.md
  LedgerRow row;
};

/// The rows of one role's threads as that role's lines: those of the same key added up, ordered by it.
std::vector<LedgerSum> sum_up(const std::vector<LedgerRow>& parts, std::string_view to_backend,
                              std::string_view to_client);

/// Calls a copy of `done` once for each role of the node, on the control loop's thread; the last copy is gone
/// when the last role has told.
void gather_ledger(Node& node, const std::function<void(const std::vector<LedgerSum>&)>& done);

}  // namespace penstock
