// What a datagram of udp-load begins with: whose it is and which one. 16 bytes, big-endian.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace penstock::flowload {

///   0               4               8                              16
///   | run           | session       | number                        | the same filler in all of a run
struct DatagramHead {
  std::uint32_t run = 0;      // random: tells answers to an earlier load apart
  std::uint32_t session = 0;  // from 0
  std::uint64_t number = 0;   // of all sessions together, in the order of sending
  bool operator==(const DatagramHead&) const = default;
};

constexpr std::size_t kDatagramHeadSize = 16;

std::array<std::byte, kDatagramHeadSize> encode(const DatagramHead& head);
/// Nothing when the datagram is shorter than a head.
std::optional<DatagramHead> decode_datagram_head(Bytes datagram);

/// What follows a PROXY v2 header, or nothing when there is none.
std::optional<Bytes> behind_proxy_header(Bytes datagram);

}  // namespace penstock::flowload
