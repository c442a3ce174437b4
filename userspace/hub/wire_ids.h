// The sessions of a hub's worker by what edges call them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "steering/number_index.h"
#include "steering/sip_hash.h"

namespace penstock {

/// Finds the table's index of a session by its tunnel and the id that the tunnel's edge gave it. Edges choose
/// ids as they like: what it takes is bounded by the sessions that there may be, and the hash is SipHash-1-3
/// under a random key. Keys are the owner's: key_of(index) gives that of an index. One thread.
class WireIds {
 public:
  static constexpr std::uint32_t kNone = NumberIndex::kNone;
  struct Key {
    std::uint64_t tunnel = 0;
    std::uint32_t id = 0;
    bool operator==(const Key&) const = default;
  };

  explicit WireIds(std::uint32_t sessions) : indices_{sessions} {}

  template <class KeyOf>
  std::uint32_t find(const Key& key, const KeyOf& key_of) const {
    return indices_.find(hash_of(key), [&](std::uint32_t index) { return key_of(index) == key; });
  }
  /// The key must not be here. Aborts when there are as many sessions as there may be.
  void insert(const Key& key, std::uint32_t index) { indices_.insert(hash_of(key), index); }
  /// Aborts when the key is not here with that index.
  template <class KeyOf>
  void erase(const Key& key, std::uint32_t index, const KeyOf& key_of) {
    indices_.erase(hash_of(key), index, [&](std::uint32_t other) { return hash_of(key_of(other)); });
  }

  std::size_t size() const { return indices_.size(); }

 private:
  std::uint64_t hash_of(const Key& key) const {
    const std::array<std::uint64_t, 2> words{key.tunnel, key.id};
    return sip_hash_13(secret_, std::as_bytes(std::span{words}));
  }

  const SipKey secret_ = SipKey::random();
  NumberIndex indices_;
};

}  // namespace penstock
