// SipHash-1-3: a short hash that nobody without the key can make collide.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace penstock {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  static SipKey random();
};

/// For hash tables whose keys strangers choose: with a random key, that they cannot see, they find no two
/// keys that meet more often than chance has it. Not for signatures: those take more rounds.
std::uint64_t sip_hash_13(const SipKey& key, Bytes bytes);

}  // namespace penstock
