// Names of the reasons of abi/reasons.h.
#pragma once

#include <penstock/abi/reasons.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock {

using Reason = pst_reason;

struct ReasonInfo {
  Reason reason;
  std::string_view label;
  std::string_view help;
};

inline constexpr std::array kReasons = {
#define X(id, number, label, help) ReasonInfo{PST_R_##id, label, help},
    PST_REASONS(X)
#undef X
};

constexpr std::string_view label_of(Reason reason) {
  for (const ReasonInfo& info : kReasons) {
    if (info.reason == reason) return info.label;
  }
  return "unknown";
}

constexpr std::string_view help_of(Reason reason) {
  for (const ReasonInfo& info : kReasons) {
    if (info.reason == reason) return info.help;
  }
  return kReasons[0].help;
}

/// The reason with that number, as it arrives in a RESET frame; kinds we do not know are PST_R_UNKNOWN.
constexpr Reason reason_from_wire(std::uint16_t number) {
  for (const ReasonInfo& info : kReasons) {
    if (info.reason == number) return info.reason;
  }
  return PST_R_UNKNOWN;
}

}  // namespace penstock
