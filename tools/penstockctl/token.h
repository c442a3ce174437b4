// The command `token decode`.
#pragma once

#include "base/error.h"
#include "penstockctl/command_line.h"
#include "penstockctl/env.h"

namespace penstock::ctl {

/// Shows all of a token but its secret; asks no daemon.
Result<void> decode_token_text(const Invocation& invocation, Env& env);

}  // namespace penstock::ctl
