// `flowload udp-load`: datagrams of many sessions to a udp-echo, and what came back.
#pragma once

#include "flowload/options.h"

namespace penstock::flowload {

Result<bool> run_udp_load(const Options& options);

}  // namespace penstock::flowload
