// Big-endian numbers and views of bytes, as the wire has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace penstock {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline std::uint16_t load_u16(const std::byte* at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) << 8 | std::to_integer<unsigned>(at[1]));
}
inline std::uint32_t load_u32(const std::byte* at) {
  return std::uint32_t{load_u16(at)} << 16 | load_u16(at + 2);
}
inline std::uint64_t load_u64(const std::byte* at) {
  return std::uint64_t{load_u32(at)} << 32 | load_u32(at + 4);
}
inline void store_u16(std::byte* at, std::uint16_t value) {
  at[0] = static_cast<std::byte>(value >> 8);
  at[1] = static_cast<std::byte>(value);
}
inline void store_u32(std::byte* at, std::uint32_t value) {
  store_u16(at, static_cast<std::uint16_t>(value >> 16));
  store_u16(at + 2, static_cast<std::uint16_t>(value));
}
inline void store_u64(std::byte* at, std::uint64_t value) {
  store_u32(at, static_cast<std::uint32_t>(value >> 32));
  store_u32(at + 4, static_cast<std::uint32_t>(value));
}

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Compares in a time that depends on the lengths alone.
bool equal_constant_time(Bytes a, Bytes b);

/// Cryptographically strong random bytes; aborts when the system has none to give.
void fill_random(MutableBytes out);
std::uint64_t random_u64();

/// base64url of RFC 4648 without padding. Decoding refuses any character or length that encoding cannot make.
std::string to_base64url(Bytes bytes);
bool from_base64url(std::string_view text, std::string& out);

std::string to_hex(Bytes bytes);

}  // namespace penstock
