// PROXY protocol: version 1 for TCP, version 2 for TCP and UDP (haproxy's proxy-protocol.txt, 2.1 and 2.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "base/error.h"

namespace penstock {

/// The two ends of a client's connection or session as the edge sees them.
struct ProxyAddresses {
  Endpoint client;
  Endpoint local;  // the public address and port that the client reached
  bool operator==(const ProxyAddresses&) const = default;
};

/// "PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n", at most 107 bytes. TCP6 when either end is IPv6
/// (an IPv4 end is then written v4-mapped).
std::string proxy_v1(const ProxyAddresses& addresses);

/// Exactly one line and nothing behind it, TCP4 or TCP6; numbers without leading zeros, ports 0 to 65535.
/// Errors name the part.
Result<ProxyAddresses> parse_proxy_v1(std::string_view line);

/// 28 bytes, or 52 when either end is IPv6 (an IPv4 end is then written v4-mapped).
struct ProxyV2Header {
  std::array<std::byte, 52> bytes{};
  std::size_t size = 0;
  Bytes view() const { return {bytes.data(), size}; }
};
/// A v2 header for a stream (0x21, 0x11 or 0x21).
ProxyV2Header proxy_v2(const ProxyAddresses& addresses);
/// ... and for datagrams (0x21, 0x12 or 0x22).
ProxyV2Header proxy_v2_datagram(const ProxyAddresses& addresses);

/// Exactly what proxy_v2_datagram() writes, but for two IPv4 ends in the longer form, which are read too: the
/// command PROXY, no TLV, and nothing behind. Errors name the part.
Result<ProxyAddresses> parse_proxy_v2_datagram(Bytes header);

}  // namespace penstock
