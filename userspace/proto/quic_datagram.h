// What travels in QUIC's datagrams, and at the beginning of its streams.
#pragma once

#include <penstock/wire/quic.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace penstock {

using QuicDatagramHead = std::array<std::byte, wire::kQuicDatagramHead>;

struct QuicDatagram {
  wire::QuicDatagramType type = wire::QuicDatagramType::kData;
  std::uint32_t session = 0;  // with wire::kSessionBit
  Bytes proxy_header{};       // of kOpen
  Bytes rest{};               // payload, or a fragment with its numbers
};
/// `session` with or without wire::kSessionBit.
QuicDatagramHead quic_datagram_head(wire::QuicDatagramType type, std::uint32_t session);
/// Errors name the part. The views are into `bytes`.
Result<QuicDatagram> parse_quic_datagram(Bytes bytes);

struct QuicFragment {
  std::uint16_t number = 0;  // the same in all fragments of a datagram
  std::uint8_t index = 0;
  std::uint8_t count = 0;
  Bytes part{};
};
/// Head and numbers, in front of the part.
std::array<std::byte, wire::kQuicFragmentHead> quic_fragment_head(std::uint32_t session,
                                                                  const QuicFragment& fragment);
/// From QuicDatagram::rest. Errors name the part.
Result<QuicFragment> parse_quic_fragment(Bytes rest);

/// What a flow's stream begins with.
std::string quic_open(std::string_view proxy_v1_line);

}  // namespace penstock
