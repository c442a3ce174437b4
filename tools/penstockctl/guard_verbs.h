// Commands that change who may send to public UDP ports.
#pragma once

#include "base/error.h"
#include "penstockctl/command_line.h"
#include "penstockctl/env.h"

namespace penstock::ctl {

Result<void> guard_block(const Invocation& invocation, Env& env);
Result<void> guard_allow(const Invocation& invocation, Env& env);
Result<void> guard_remove(const Invocation& invocation, Env& env);
Result<void> guard_load(const Invocation& invocation, Env& env);

}  // namespace penstock::ctl
