// Connection ids of QUIC (RFC 9000, 5.1) as keys.
#pragma once

#include <array>
#include <cstring>
#include <functional>

#include "base/bytes.h"
#include "quic/ngtcp2_compat.h"

namespace penstock {

/// Of all ids that we give out; those that clients choose for us at first may have any length up to 20.
inline constexpr std::size_t kConnectionId = 16;

class ConnectionId {
 public:
  ConnectionId() = default;
  /// What is longer than an id of this version of QUIC is cut: it names nobody.
  explicit ConnectionId(Bytes bytes) : size_{std::min(bytes.size(), bytes_.size())} {
    std::memcpy(bytes_.data(), bytes.data(), size_);
  }
  explicit ConnectionId(const ngtcp2_cid& id) : ConnectionId{library_bytes(id.data, id.datalen)} {}

  Bytes bytes() const { return Bytes{bytes_}.first(size_); }
  ngtcp2_cid native() const {
    ngtcp2_cid out{};
    ngtcp2_cid_init(&out, library_data(bytes()), size_);
    return out;
  }
  bool operator==(const ConnectionId&) const = default;

 private:
  std::array<std::byte, NGTCP2_MAX_CIDLEN> bytes_{};  // zero behind the id
  std::size_t size_ = 0;
};

/// Keyed, since strangers choose ids.
class ConnectionIdHash {
 public:
  ConnectionIdHash() : key_{random_u64() | 1, random_u64() | 1} {}
  std::size_t operator()(const ConnectionId& id) const {
    const Bytes bytes = id.bytes();
    std::uint64_t sum = key_[0];
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
      const auto product = static_cast<unsigned __int128>(sum ^ word) * key_[1];
      sum = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    }
    return sum;
  }

 private:
  std::array<std::uint64_t, 2> key_;
};

}  // namespace penstock
