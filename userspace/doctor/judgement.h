// What the facts of a host mean for a node of this configuration. Pure.
#pragma once

#include "config/config.h"
#include "doctor/finding.h"
#include "doctor/host_facts.h"

namespace penstock::doctor {

/// Every finding, and how the daemon will steer. What only kernel steering needs is bad when steering.mode is
/// "kernel", a warning when it is "auto", and no matter when it is "socket".
Report judge(const HostFacts& facts, const Config& config);

}  // namespace penstock::doctor
