// Sizes in bytes as operators write them: a whole number and a binary unit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

/// "256KiB", "16MiB" or "1GiB" in bytes; nothing for any other text, or one beyond 64 bits.
std::optional<std::uint64_t> parse_byte_size(std::string_view text);

/// The same in the largest unit that leaves no remainder; a plain number when even KiB leaves one.
std::string format_byte_size(std::uint64_t bytes);

}  // namespace penstock
