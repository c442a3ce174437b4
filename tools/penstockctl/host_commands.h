// Commands about this host, which need no daemon: whether it can run one, and what one left behind.
#pragma once

#include "base/error.h"
#include "penstockctl/command_line.h"
#include "penstockctl/env.h"

namespace penstock::ctl {

/// After everything was printed: kRefused when there are warnings, kInvalid when a daemon cannot work as
/// configured.
Result<void> run_doctor(const Invocation& invocation, Env& env);
Result<void> detach_programs(const Invocation& invocation, Env& env);

}  // namespace penstock::ctl
