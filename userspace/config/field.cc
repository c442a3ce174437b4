#include "config/field.h"

namespace penstock {

std::string unknown_key(std::vector<std::string_view> names) {
  std::sort(names.begin(), names.end());
  std::string text = "is not a key here: write one of ";
  for (std::size_t i = 0; i < names.size(); ++i) text.append(i == 0 ? "" : ", ").append(names[i]);
  return text;
}

}  // namespace penstock
