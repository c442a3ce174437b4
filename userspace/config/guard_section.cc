// [guard]: how many datagrams public UDP ports take.
#include "config/sections.h"

namespace penstock {
namespace {

constexpr std::uint32_t kMostRate = 1'000'000'000;  // datagrams: more than any wire brings in a second
constexpr Number<std::uint32_t> kRate{0, kMostRate};

}  // namespace

const Fields<GuardConfig>& guard_fields() {
  static const Fields<GuardConfig> kFields{
      reloadable(field("source_rate", &GuardConfig::source_rate, kRate)),
      reloadable(field("source_burst", &GuardConfig::source_burst, kRate)),
      reloadable(field("service_rate", &GuardConfig::service_rate, kRate)),
      reloadable(field("service_burst", &GuardConfig::service_burst, kRate)),
      reloadable(field("new_source_rate", &GuardConfig::new_source_rate, kRate)),
      reloadable(field("new_source_burst", &GuardConfig::new_source_burst, kRate)),
      reloadable(field("new_total_rate", &GuardConfig::new_total_rate, kRate)),
      reloadable(field("new_total_burst", &GuardConfig::new_total_burst, kRate)),
  };
  return kFields;
}

}  // namespace penstock
