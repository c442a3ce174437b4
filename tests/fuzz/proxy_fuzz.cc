// PROXY v1 lines: whatever is accepted is written and read again unchanged, and has a v2 header.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/check.h"
#include "proto/proxy_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  const auto read = parse_proxy_v1({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  const std::string line = proxy_v1(*read);
  check(line.size() <= 107, "a PROXY line is at most 107 bytes");
  check(parse_proxy_v1(line).value() == *read, "addresses survive the round trip");
  const bool v4 = read->client.address.is_v4() && read->local.address.is_v4();
  check(proxy_v2(*read).size == (v4 ? 28 : 52), "a v2 header has the size of its family");
  return 0;
}
