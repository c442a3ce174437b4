// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::ctl {

/// "0 B", "1023 B", "1.2 MiB".
std::string size_text(std::uint64_t bytes);
/// "59s", "3m12s", "2h05m", "3d04h".
std::string age_text(std::uint64_t seconds);
/// "850us", "12.3ms", "1.25s".
std::string round_trip_text(std::uint64_t microseconds);

}  // namespace penstock::ctl
