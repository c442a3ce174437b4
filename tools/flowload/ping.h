// `flowload ping`: one-byte round trips on one flow.
#pragma once

#include "flowload/options.h"

namespace penstock::flowload {

Result<bool> run_ping(const Options& options);

}  // namespace penstock::flowload
