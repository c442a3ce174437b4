// What a bulk flow says besides its payload. The client begins with a header; the server answers kBulkReady;
// the client's next byte, kBulkGo, starts the load, so that all flows of a run start together. Then payload
// runs in the directions that the header names until the client ends its side; the server then ends its own
// with a trailer that tells how many payload bytes arrived. Numbers are big-endian.
//
//   header:   "pstbulk"   | direction (1 byte) | bytes per second of the server, 0: as fast as it goes (8
//   bytes) trailer:  "pst-end."  | payload bytes that the server received (8 bytes)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace penstock::flowload {

enum class Direction : std::uint8_t { kUp = 1, kDown = 2, kBoth = 3 };  // up: from the client to the server

constexpr bool has_up(Direction direction) {
  return (static_cast<unsigned>(direction) & 1) != 0;
}
constexpr bool has_down(Direction direction) {
  return (static_cast<unsigned>(direction) & 2) != 0;
}
std::string_view to_string(Direction direction);
std::optional<Direction> parse_direction(std::string_view text);

struct BulkHeader {
  Direction direction = Direction::kUp;
  std::uint64_t bytes_per_second = 0;
  bool operator==(const BulkHeader&) const = default;
};

inline constexpr std::size_t kBulkHeaderSize = 16;
inline constexpr std::size_t kBulkTrailerSize = 16;
inline constexpr std::byte kBulkReady{'R'};
inline constexpr std::byte kBulkGo{'G'};

std::array<std::byte, kBulkHeaderSize> encode(const BulkHeader& header);
Result<BulkHeader> decode_header(Bytes bytes);
std::array<std::byte, kBulkTrailerSize> encode_trailer(std::uint64_t received);
/// The count, from the last bytes of a flow.
Result<std::uint64_t> decode_trailer(Bytes bytes);

/// What bulk flows carry, and how much of it one system call may move.
Bytes bulk_payload();
/// Where received payload goes. One per program: what is in it is not kept.
MutableBytes scratch();

}  // namespace penstock::flowload
