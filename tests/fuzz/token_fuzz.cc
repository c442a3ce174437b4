// Tokens: as an operator pastes them, and the JSON within; whatever is accepted survives the round trip.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "fuzz/check.h"
#include "proto/token.h"

namespace {

using namespace penstock;

void token(std::string_view text) {
  const auto read = decode_token(text);
  if (!read) return;
  check(is_edge_id(read->edge_id) && is_secret(read->secret),
        "id and secret have the form that they must have");
  check(HostPort::parse(read->hub.to_string()).value() == read->hub,
        "the hub's address can be written and read");
  check(decode_token(encode_token(*read)).value() == *read, "a token survives the round trip");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  token(text);
  token(to_base64url(as_bytes(text)));
  if (const auto pin = parse_pin(text))
    check(to_string(*pin) == text, "there is one way to write a fingerprint");
  return 0;
}
