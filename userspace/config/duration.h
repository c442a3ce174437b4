// Durations as operators write them: a whole number and one unit.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace penstock {

/// "500ms", "5s", "10m" or "1h"; nothing for any other text, or one too long for Duration.
std::optional<Duration> parse_duration(std::string_view text);

/// The same in the largest unit that leaves no remainder; what is below a millisecond is cut off.
std::string format_duration(Duration duration);

}  // namespace penstock
