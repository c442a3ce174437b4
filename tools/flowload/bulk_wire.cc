#include "flowload/bulk_wire.h"

#include <algorithm>
#include <vector>

namespace penstock::flowload {
namespace {

constexpr std::string_view kHeaderMagic = "pstbulk";
constexpr std::string_view kTrailerMagic = "pst-end.";
constexpr std::size_t kNumberAt = 8;
constexpr std::size_t kCallSize = 256 << 10;

bool begins_with(Bytes bytes, std::string_view magic) {
  return as_text(bytes.first(magic.size())) == magic;
}

void copy_to(std::byte* at, std::string_view text) {
  std::ranges::copy(as_bytes(text), at);
}

}  // namespace

std::string_view to_string(Direction direction) {
  if (direction == Direction::kBoth) return "both";
  return direction == Direction::kUp ? "up" : "down";
}

std::optional<Direction> parse_direction(std::string_view text) {
  for (const Direction direction : {Direction::kUp, Direction::kDown, Direction::kBoth}) {
    if (text == to_string(direction)) return direction;
  }
  return std::nullopt;
}

std::array<std::byte, kBulkHeaderSize> encode(const BulkHeader& header) {
  std::array<std::byte, kBulkHeaderSize> out{};
  copy_to(out.data(), kHeaderMagic);
  out[kHeaderMagic.size()] = static_cast<std::byte>(header.direction);
  store_u64(out.data() + kNumberAt, header.bytes_per_second);
  return out;
}

Result<BulkHeader> decode_header(Bytes bytes) {
  if (bytes.size() != kBulkHeaderSize || !begins_with(bytes, kHeaderMagic)) {
    return error(Errc::kProtocol, "the flow does not begin with the header of `flowload bulk`");
  }
  const auto direction = static_cast<Direction>(bytes[kHeaderMagic.size()]);
  if (direction < Direction::kUp || direction > Direction::kBoth) {
    return error(Errc::kProtocol, "header of a bulk flow: unknown direction");
  }
  return BulkHeader{.direction = direction, .bytes_per_second = load_u64(bytes.data() + kNumberAt)};
}

std::array<std::byte, kBulkTrailerSize> encode_trailer(std::uint64_t received) {
  std::array<std::byte, kBulkTrailerSize> out{};
  copy_to(out.data(), kTrailerMagic);
  store_u64(out.data() + kNumberAt, received);
  return out;
}

Result<std::uint64_t> decode_trailer(Bytes bytes) {
  if (bytes.size() != kBulkTrailerSize || !begins_with(bytes, kTrailerMagic)) {
    return error(Errc::kProtocol, "the flow ended without the server's count: it was cut");
  }
  return load_u64(bytes.data() + kNumberAt);
}

Bytes bulk_payload() {
  static const std::vector<std::byte> payload(kCallSize, std::byte{'x'});
  return payload;
}

MutableBytes scratch() {
  static std::vector<std::byte> buffer(kCallSize);
  return buffer;
}

}  // namespace penstock::flowload
