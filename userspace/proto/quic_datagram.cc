#include "proto/quic_datagram.h"

namespace penstock {
namespace {

using wire::QuicDatagramType;

constexpr std::uint32_t kSessionMask = 0x3fffffff;
/// Of a PROXY v2 header: the length of what follows stands in the last two of its first bytes.
constexpr std::size_t kProxyFixed = 16;

Error malformed(std::string what) {
  return error(Errc::kProtocol, std::move(what));
}

}  // namespace

QuicDatagramHead quic_datagram_head(QuicDatagramType type, std::uint32_t session) {
  QuicDatagramHead head{};
  store_u32(head.data(), static_cast<std::uint32_t>(type) << 30 | (session & kSessionMask));
  return head;
}

Result<QuicDatagram> parse_quic_datagram(Bytes bytes) {
  if (bytes.size() < wire::kQuicDatagramHead) return malformed("a datagram without a session id");
  const std::uint32_t head = load_u32(bytes.data());
  QuicDatagram datagram{.type = static_cast<QuicDatagramType>(head >> 30),
                        .session = wire::kSessionBit | (head & kSessionMask),
                        .rest = bytes.subspan(wire::kQuicDatagramHead)};
  if (datagram.type == QuicDatagramType::kData || datagram.type == QuicDatagramType::kFragment)
    return datagram;
  if (datagram.type != QuicDatagramType::kOpen) return malformed("a datagram of an unknown type");
  if (datagram.rest.size() < kProxyFixed) return malformed("the PROXY header is cut off");
  const std::size_t length = kProxyFixed + load_u16(datagram.rest.data() + kProxyFixed - 2);
  if (length > wire::kMaxUdpOpen) return malformed("the PROXY header is too long");
  if (datagram.rest.size() < length) return malformed("the PROXY header is cut off");
  datagram.proxy_header = datagram.rest.first(length);
  datagram.rest = datagram.rest.subspan(length);
  return datagram;
}

std::array<std::byte, wire::kQuicFragmentHead> quic_fragment_head(std::uint32_t session,
                                                                  const QuicFragment& fragment) {
  std::array<std::byte, wire::kQuicFragmentHead> head{};
  store_u32(head.data(),
            static_cast<std::uint32_t>(QuicDatagramType::kFragment) << 30 | (session & kSessionMask));
  store_u16(head.data() + 4, fragment.number);
  head[6] = std::byte{fragment.index};
  head[7] = std::byte{fragment.count};
  return head;
}

Result<QuicFragment> parse_quic_fragment(Bytes rest) {
  if (rest.size() <= 4) return malformed("a fragment without a part");
  const QuicFragment fragment{.number = load_u16(rest.data()),
                              .index = std::to_integer<std::uint8_t>(rest[2]),
                              .count = std::to_integer<std::uint8_t>(rest[3]),
                              .part = rest.subspan(4)};
  if (fragment.count < 2 || fragment.count > wire::kMaxQuicFragments)
    return malformed("a datagram of " + std::to_string(fragment.count) + " fragments");
  if (fragment.index >= fragment.count) return malformed("a fragment behind the last one");
  return fragment;
}

std::string quic_open(std::string_view line) {
  std::string out(wire::kQuicOpenHead, '\0');
  out[0] = static_cast<char>(wire::FrameType::kOpen);
  out[1] = static_cast<char>(line.size() >> 8);
  out[2] = static_cast<char>(line.size());
  return out.append(line);
}

}  // namespace penstock
