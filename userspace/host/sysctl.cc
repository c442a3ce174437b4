#include "host/sysctl.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file_descriptor.h"
#include "base/text.h"
#include "host/capabilities.h"

namespace penstock {
namespace {

constexpr std::size_t kLongest = 4096;

std::string path_of(const std::string& name) {
  return "/proc/sys/" + name;
}

Error not_understood(const std::string& name, std::string_view text) {
  return error(Errc::kInvalid,
               path_of(name) + " says '" + printable(text, 64) + "', which is not understood");
}

}  // namespace

Result<std::string> read_sysctl(const std::string& name) {
  auto text = read_file(path_of(name), kLongest);
  if (!text) return text.error();
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return text;
}

Result<std::int64_t> read_sysctl_number(const std::string& name) {
  auto text = read_sysctl(name);
  if (!text) return text.error();
  const auto number = parse_number<std::int64_t>(*text);
  if (!number) return not_understood(name, *text);
  return *number;
}

Result<void> write_sysctl(const std::string& name, std::string_view value) {
  const RaisedCapabilities raised{CAP_NET_ADMIN};
  const std::string path = path_of(name);
  const FileDescriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file) return system_error("cannot set " + path, errno);
  if (::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return system_error("cannot set " + path + " to " + printable(value, 64), errno);
  }
  return {};
}

Result<int> effective_rp_filter(std::string_view interface) {
  std::int64_t strictest = 0;
  for (const std::string_view place : {std::string_view{"all"}, interface}) {
    auto value = read_sysctl_number("net/ipv4/conf/" + std::string{place} + "/rp_filter");
    if (!value) return value.error();
    strictest = std::max(strictest, *value);
  }
  return static_cast<int>(strictest);
}

Result<PortRange> local_port_range() {
  const std::string name = "net/ipv4/ip_local_port_range";
  auto text = read_sysctl(name);
  if (!text) return text.error();
  const std::string_view whole = *text;
  const auto between = whole.find_first_of(" \t");
  const auto behind = whole.find_last_of(" \t");
  if (between == std::string_view::npos) return not_understood(name, whole);
  const auto first = parse_number<std::uint16_t>(whole.substr(0, between));
  const auto last = parse_number<std::uint16_t>(whole.substr(behind + 1));
  if (!first || !last || *first > *last) return not_understood(name, whole);
  return PortRange{*first, *last};
}

}  // namespace penstock
