// Commands that look.
#pragma once

#include "base/error.h"
#include "penstockctl/command_line.h"
#include "penstockctl/env.h"

namespace penstock::ctl {

Result<void> show_status(const Invocation& invocation, Env& env);
Result<void> show_edges(const Invocation& invocation, Env& env);
Result<void> show_services(const Invocation& invocation, Env& env);
Result<void> show_ports(const Invocation& invocation, Env& env);
Result<void> show_flows(const Invocation& invocation, Env& env);
Result<void> show_sessions(const Invocation& invocation, Env& env);
/// kRefused, after everything was printed, when the books do not balance.
Result<void> show_ledger(const Invocation& invocation, Env& env);
Result<void> show_guard(const Invocation& invocation, Env& env);
Result<void> show_packets(const Invocation& invocation, Env& env);
Result<void> show_tunnels(const Invocation& invocation, Env& env);
Result<void> show_events(const Invocation& invocation, Env& env);
Result<void> show_metrics(const Invocation& invocation, Env& env);
Result<void> show_help(const Invocation& invocation, Env& env);
Result<void> show_version(const Invocation& invocation, Env& env);

}  // namespace penstock::ctl
