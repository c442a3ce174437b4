// Whatever a configuration file, a flag or a service's JSON holds: it is read or refused, and what was read
// can be written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/config.h"

namespace {

void read_service(std::string_view text) {
  const auto service = penstock::service_from_json(text);
  if (!service) return;
  const auto again = penstock::service_from_json(penstock::service_to_json(*service));
  if (!again || *again != *service) std::abort();
  for (const penstock::PortRange& range : service->ports.ranges()) {
    if (service->backend_port(range.first) == 0 || service->backend_port(range.last) == 0) std::abort();
  }
}

void read_file(std::string_view text) {
  const auto config = penstock::parse_config(text, "fuzz.toml", {}, {});
  if (config && !penstock::restart_only_changes(*config, *config).empty()) std::abort();
}

/// The text up to the first '=' is the key, the rest its value.
void read_flag(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return;
  const penstock::Overrides overrides{
      {std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)}}};
  (void)penstock::parse_config("[hub]\n", "fuzz.toml", {}, overrides);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 3) {
    case 0:
      read_file(text);
      break;
    case 1:
      read_service(text);
      break;
    default:
      read_flag(text);
      break;
  }
  return 0;
}
