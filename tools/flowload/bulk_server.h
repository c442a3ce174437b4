// `flowload bulk-server`: the far end of `flowload bulk`; takes and gives payload as each flow's header asks.
#pragma once

#include "flowload/options.h"

namespace penstock::flowload {

Result<bool> run_bulk_server(const Options& options);

}  // namespace penstock::flowload
