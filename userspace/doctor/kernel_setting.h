// Settings of the kernel, read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace penstock::doctor {

/// What is in /proc/sys/`name`; nothing where there is no such setting.
std::optional<std::string> kernel_text(const std::string& name);
std::optional<std::int64_t> kernel_number(const std::string& name);

}  // namespace penstock::doctor
