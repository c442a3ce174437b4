// `flowload udp-echo`: sends datagrams back to where they came from, or only counts them.
#pragma once

#include "flowload/options.h"

namespace penstock::flowload {

Result<bool> run_udp_echo(const Options& options);

}  // namespace penstock::flowload
