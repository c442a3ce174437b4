#include "config/environment.h"

#include <unistd.h>

#include <string_view>

namespace penstock {

Environment own_environment() {
  Environment out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (text.starts_with("PENSTOCK_") && equals != std::string_view::npos)
      out[std::string{text.substr(0, equals)}] = text.substr(equals + 1);
  }
  return out;
}

}  // namespace penstock
