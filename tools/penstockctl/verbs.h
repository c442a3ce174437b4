// Commands that change one thing and say what they changed.
#pragma once

#include "base/error.h"
#include "penstockctl/command_line.h"
#include "penstockctl/env.h"

namespace penstock::ctl {

Result<void> add_edge(const Invocation& invocation, Env& env);
Result<void> rotate_edge(const Invocation& invocation, Env& env);
Result<void> remove_edge(const Invocation& invocation, Env& env);
Result<void> add_service(const Invocation& invocation, Env& env);
Result<void> set_service(const Invocation& invocation, Env& env);
Result<void> remove_service(const Invocation& invocation, Env& env);
Result<void> add_ports(const Invocation& invocation, Env& env);
Result<void> remove_ports(const Invocation& invocation, Env& env);
Result<void> drain(const Invocation& invocation, Env& env);
Result<void> reload(const Invocation& invocation, Env& env);
Result<void> set_log_level(const Invocation& invocation, Env& env);

}  // namespace penstock::ctl
