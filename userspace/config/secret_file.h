// Secrets in files: how long they may be, and that nobody else can read them.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"

namespace penstock {

/// What a secret made elsewhere must have at least, in bytes, where a hub is to accept it.
inline constexpr std::size_t kShortestImportedSecret = 16;
/// What any secret may have at most, in bytes: it stands in the line of the handshake.
inline constexpr std::size_t kLongestSecret = 256;

/// The secret that the file holds, without surrounding white space: `shortest` to kLongestSecret printable
/// characters without space. The file must be readable by its owner alone. Errors name the file, never the
/// secret.
Result<std::string> read_secret(const std::string& path, std::size_t shortest);

}  // namespace penstock
