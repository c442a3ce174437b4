#include "flowload/udp_wire.h"

#include <string_view>

namespace penstock::flowload {
namespace {

// haproxy.org, "The PROXY protocol", 2.2: signature, version and command, family, length of what follows.
constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kVersionAt = 12;
constexpr std::size_t kLengthAt = 14;
constexpr std::size_t kProxyFixed = 16;

}  // namespace

std::array<std::byte, kDatagramHeadSize> encode(const DatagramHead& head) {
  std::array<std::byte, kDatagramHeadSize> out;
  store_u32(out.data(), head.run);
  store_u32(out.data() + 4, head.session);
  store_u64(out.data() + 8, head.number);
  return out;
}

std::optional<DatagramHead> decode_datagram_head(Bytes datagram) {
  if (datagram.size() < kDatagramHeadSize) return std::nullopt;
  return DatagramHead{.run = load_u32(datagram.data()),
                      .session = load_u32(datagram.data() + 4),
                      .number = load_u64(datagram.data() + 8)};
}

std::optional<Bytes> behind_proxy_header(Bytes datagram) {
  if (datagram.size() < kProxyFixed || !as_text(datagram).starts_with(kSignature)) return std::nullopt;
  const unsigned version = std::to_integer<unsigned>(datagram[kVersionAt]) >> 4;
  const std::size_t size = kProxyFixed + load_u16(datagram.data() + kLengthAt);
  if (version != 2 || datagram.size() < size) return std::nullopt;
  return datagram.subspan(size);
}

}  // namespace penstock::flowload
