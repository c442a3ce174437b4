// Addresses, ports and session entries as kernel programs hold them.
#pragma once

#include <arpa/inet.h>

#include <cstring>

#include "base/address.h"
#include "host/mac.h"
#include "penstock/abi/session.h"
#include "steering/direct_steering.h"
#include "steering/session.h"

namespace penstock {

inline pst_address to_abi(const IpAddress& address) {
  pst_address out{};
  std::memcpy(&out, address.bytes().data(), sizeof out);
  return out;
}

inline IpAddress from_abi(const pst_address& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress::v6(bytes);
}

inline __be32 v4_to_abi(const IpAddress& address) {
  __be32 out = 0;
  std::memcpy(&out, address.v4_bytes().data(), sizeof out);
  return out;
}

inline IpAddress v4_from_abi(__be32 address) {
  return IpAddress::v4(ntohl(address));
}

inline Endpoint from_abi(const pst_address& address, __be16 port) {
  return {from_abi(address), ntohs(port)};
}

/// The route of a direct session's entry.
inline DirectRoute direct_route_of(const pst_session& entry) {
  return {.backend = from_abi(entry.backend, entry.backend_port),
          .source = from_abi(entry.source, entry.source_port),
          .proxy_in_each = (entry.flags & PST_SESSION_PROXY) != 0,
          .transparent = (entry.flags & PST_SESSION_TRANSPARENT) != 0};
}

/// The key of what `from` sends to `to`.
inline pst_path path_of(const Endpoint& from, const Endpoint& to) {
  return {.source = to_abi(from.address),
          .destination = to_abi(to.address),
          .source_port = htons(from.port),
          .destination_port = htons(to.port)};
}

}  // namespace penstock
