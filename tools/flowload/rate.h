// `flowload rate`: how many new flows a second, each proved by an echo and ended in order.
#pragma once

#include "flowload/options.h"

namespace penstock::flowload {

Result<bool> run_rate(const Options& options);

}  // namespace penstock::flowload
