// `flowload hold`: many idle flows at once, proved alive when they begin and when they end.
#pragma once

#include "flowload/options.h"

namespace penstock::flowload {

/// Prints "opened" when all flows are open from end to end, holds them, and prints "done" after the last
/// echo.
Result<bool> run_hold(const Options& options);

}  // namespace penstock::flowload
