// PROXY headers, v1 lines and v2 of datagrams: whatever is accepted is written and read again unchanged.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fuzz/check.h"
#include "proto/proxy_header.h"

namespace {

using namespace penstock;

std::size_t v2_size(const ProxyAddresses& addresses) {
  return addresses.client.address.is_v4() && addresses.local.address.is_v4() ? 28 : 52;
}

void line(std::string_view text) {
  const auto read = parse_proxy_v1(text);
  if (!read) return;
  const std::string again = proxy_v1(*read);
  check(again.size() <= 107, "a PROXY line is at most 107 bytes");
  check(parse_proxy_v1(again).value() == *read, "addresses survive the round trip");
  check(proxy_v2(*read).size == v2_size(*read), "a v2 header has the size of its family");
  check(parse_proxy_v2_datagram(proxy_v2_datagram(*read).view()).value() == *read,
        "a header can say what a line can");
}

void datagram(Bytes header) {
  const auto read = parse_proxy_v2_datagram(header);
  if (!read) return;
  const ProxyV2Header again = proxy_v2_datagram(*read);
  check(again.size == v2_size(*read), "a v2 header has the size of its family");
  check(parse_proxy_v2_datagram(again.view()).value() == *read, "addresses survive the round trip");
  check(again.size != header.size() || std::ranges::equal(again.view(), header),
        "there is one way to write a header of one size");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  line({reinterpret_cast<const char*>(data), size});
  datagram(std::as_bytes(std::span{data, size}));
  return 0;
}
