#include "config/duration.h"

#include <array>
#include <cstdint>

#include "base/text.h"

namespace penstock {
namespace {

struct DurationUnit {
  std::string_view suffix;
  std::int64_t milliseconds;
};

// The largest first for formatting; "ms" ends like "s", which parsing leaves to the number's refusal.
constexpr std::array<DurationUnit, 4> kDurationUnits{
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

constexpr std::int64_t kMostMilliseconds =
    std::chrono::duration_cast<std::chrono::milliseconds>(Duration::max()).count();

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  for (const DurationUnit& unit : kDurationUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto count = parse_number<std::int64_t>(text.substr(0, text.size() - unit.suffix.size()));
    if (!count) continue;
    if (*count < 0 || *count > kMostMilliseconds / unit.milliseconds) return std::nullopt;
    return std::chrono::milliseconds{*count * unit.milliseconds};
  }
  return std::nullopt;
}

std::string format_duration(Duration duration) {
  const std::int64_t total = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (total == 0) return "0s";
  std::size_t at = 0;
  while (total % kDurationUnits[at].milliseconds != 0) ++at;
  return std::to_string(total / kDurationUnits[at].milliseconds).append(kDurationUnits[at].suffix);
}

}  // namespace penstock
