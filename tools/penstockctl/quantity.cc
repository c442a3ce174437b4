#include "penstockctl/quantity.h"

#include <array>
#include <cstdio>
#include <string_view>

namespace penstock::ctl {
namespace {

std::string decimal(double value, int digits, std::string_view unit) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data() + std::string{unit};
}

/// "3m12s": the smaller part in two digits.
std::string parts(std::uint64_t large, char large_unit, std::uint64_t small, char small_unit) {
  std::string out = std::to_string(large) + large_unit;
  if (small < 10) out.push_back('0');
  return out + std::to_string(small) + small_unit;
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {  // what would round to 1024.0
    value /= 1024;
    ++unit;
  }
  return decimal(value, 1, kUnits[unit]);
}

std::string age_text(std::uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return parts(seconds / 60, 'm', seconds % 60, 's');
  if (seconds < 86400) return parts(seconds / 3600, 'h', seconds / 60 % 60, 'm');
  return parts(seconds / 86400, 'd', seconds / 3600 % 24, 'h');
}

std::string round_trip_text(std::uint64_t microseconds) {
  if (microseconds < 1000) return std::to_string(microseconds) + "us";
  const auto value = static_cast<double>(microseconds);
  return microseconds < 1'000'000 ? decimal(value / 1e3, 1, "ms") : decimal(value / 1e6, 2, "s");
}

}  // namespace penstock::ctl
