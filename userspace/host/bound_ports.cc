#include "host/bound_ports.h"

#include <charconv>

#include "base/file_descriptor.h"

namespace penstock {
namespace {

constexpr std::size_t kLargestTable = 64U << 20;

}  // namespace

/// A line is "  sl: ADDRESS:PORT ADDRESS:PORT ...", in hexadecimal.
PortSet read_bound_ports(std::string_view table) {
  PortSet ports;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(line.size() + 1, table.size()));
    const auto slot = line.find(": ");
    const auto colon = slot == std::string_view::npos ? slot : line.find(':', slot + 2);
    if (colon == std::string_view::npos || colon + 5 > line.size()) continue;
    std::uint16_t port = 0;
    const char* const first = line.data() + colon + 1;
    const auto read = std::from_chars(first, first + 4, port, 16);
    if (read.ec == std::errc{} && read.ptr == first + 4 && port != 0) ports.add({port, port});
  }
  return ports;
}

Result<PortSet> bound_udp_ports() {
  PortSet ports;
  for (const char* const path : {"/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"}) {
    const auto table = read_file(path, kLargestTable);
    if (!table) continue;  // a host without that family
    const PortSet found = read_bound_ports(*table);
    for (const PortRange& range : found.ranges()) ports.add(range);
  }
  return ports;
}

}  // namespace penstock
