// Looks at this host. Changes nothing of it: what has to be tried is tried in a network namespace of its own.
#pragma once

#include "config/config.h"
#include "doctor/host_facts.h"

namespace penstock::doctor {

struct Examination {
  Config config;
  bool try_interfaces = false;  // also attach a program that does nothing to each interface, for a moment
};

/// Waits for what it tries: some tenths of a second. Without root less is tried.
HostFacts examine(const Examination& wanted);

/// The part that is tried in a namespace of its own. `config` tells names and network of the device.
void try_in_namespace(const Config& config, HostFacts& facts);

/// The interfaces that the programs would be attached to.
std::vector<InterfaceFacts> look_at_interfaces(const Examination& wanted);

}  // namespace penstock::doctor
