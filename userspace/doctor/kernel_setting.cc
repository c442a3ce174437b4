#include "doctor/kernel_setting.h"

#include "base/file_descriptor.h"
#include "base/text.h"

namespace penstock::doctor {

std::optional<std::string> kernel_text(const std::string& name) {
  auto text = read_file("/proc/sys/" + name, 4096);
  if (!text) return std::nullopt;
  text->erase(text->find_last_not_of(" \n") + 1);
  return std::move(*text);
}

std::optional<std::int64_t> kernel_number(const std::string& name) {
  const auto text = kernel_text(name);
  return text ? parse_number<std::int64_t>(*text) : std::nullopt;
}

}  // namespace penstock::doctor
