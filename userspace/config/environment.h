// The part of the process's environment that is ours.
#pragma once

#include "config/config.h"

namespace penstock {

/// What begins with PENSTOCK_.
Environment own_environment();

}  // namespace penstock
