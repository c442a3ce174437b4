#include "config/byte_size.h"

#include <array>
#include <limits>

#include "base/text.h"

namespace penstock {
namespace {

struct SizeUnit {
  std::string_view suffix;
  int shift;
};

constexpr std::array<SizeUnit, 3> kSizeUnits{{{"GiB", 30}, {"MiB", 20}, {"KiB", 10}}};

}  // namespace

std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto count = parse_number<std::uint64_t>(text.substr(0, text.size() - unit.suffix.size()));
    if (!count || *count > std::numeric_limits<std::uint64_t>::max() >> unit.shift) return std::nullopt;
    return *count << unit.shift;
  }
  return std::nullopt;
}

std::string format_byte_size(std::uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    const std::uint64_t count = bytes >> unit.shift;
    if (count != 0 && count << unit.shift == bytes) return std::to_string(count).append(unit.suffix);
  }
  return std::to_string(bytes);
}

}  // namespace penstock
