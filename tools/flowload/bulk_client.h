// `flowload bulk`: saturated or paced flows, counted where they arrive.
#pragma once

#include "flowload/options.h"

namespace penstock::flowload {

/// Prints "started" when every flow is open from end to end and the load begins, and "done" when the last
/// byte arrived.
Result<bool> run_bulk(const Options& options);

}  // namespace penstock::flowload
