// The token that an operator carries from hub to edge: one base64url string (RFC 4648, no padding) of a JSON
// object.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/error.h"

namespace penstock {

/// SHA-256 of a public key in DER form (SubjectPublicKeyInfo).
using KeyPin = std::array<std::byte, 32>;

/// 43 characters of base64url, and back.
std::string to_string(const KeyPin& pin);
Result<KeyPin> parse_pin(std::string_view text);

/// An edge id: 1 to 64 printable characters other than space (it stands in a line that is split at spaces).
bool is_edge_id(std::string_view text);
/// A secret: 1 to 256 printable characters other than space.
bool is_secret(std::string_view text);

struct Token {
  HostPort hub;              // keys h and p
  std::string edge_id;       // e
  std::string secret;        // s
  std::vector<KeyPin> pins;  // k, absent in tokens of the published protocol; at most 8
  bool operator==(const Token&) const = default;
};

std::string encode_token(const Token& token);
/// Surrounding white space is ignored; unknown keys are too. An error names the part that is wrong, never the
/// secret.
Result<Token> decode_token(std::string_view text);

}  // namespace penstock
