// An edge's secret as the hub keeps it: salted and hashed, never itself.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock {

/// What is kept of a secret. Functions of this file may be called from any thread.
struct EdgeSecret {
  std::array<std::byte, 16> salt{};  // random, of this secret alone
  std::array<std::byte, 32> hash{};  // HMAC-SHA256 with the salt as key and the secret as text
  bool operator==(const EdgeSecret&) const = default;
};

/// Salts and hashes the secret; another call gives another salt.
EdgeSecret make_edge_secret(std::string_view secret);

/// Whether `kept` was made of `secret`, in a time that depends on the length of `secret` alone.
bool matches(const EdgeSecret& kept, std::string_view secret);

/// A new secret: 32 random bytes as 43 characters of base64url.
std::string generate_secret();

/// Refuses a secret made elsewhere unless it has 16 to 256 printable characters without space. Errors do not
/// show it.
Result<void> check_imported_secret(std::string_view secret);

}  // namespace penstock
