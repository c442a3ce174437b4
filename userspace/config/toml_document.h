// TOML text as a tree of values that know their lines. The only place that includes toml++.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/value.h"

namespace penstock {

/// The document as a table. An error reads "path:line: what is wrong"; `path` serves that only.
Result<Value> parse_toml(std::string_view text, const std::string& path);

}  // namespace penstock
