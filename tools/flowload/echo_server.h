// `flowload echo-server`: sends back what it receives.
#pragma once

#include "flowload/options.h"

namespace penstock::flowload {

Result<bool> run_echo_server(const Options& options);

}  // namespace penstock::flowload
