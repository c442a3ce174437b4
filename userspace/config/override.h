// What stands above the file: environment variables and command line flags.
#pragma once

#include "config/config.h"
#include "config/problems.h"
#include "config/value.h"

namespace penstock {

/// Puts the PENSTOCK_ variables of the environment into the document, over what the file says.
void apply_environment(const Environment& environment, Value& document, Problems& problems);

/// The same for `section.key` values of flags.
void apply_overrides(const Overrides& overrides, Value& document, Problems& problems);

}  // namespace penstock
