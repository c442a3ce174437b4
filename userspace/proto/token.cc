#include "proto/token.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/bytes.h"
#include "base/text.h"
#include "proto/json.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxToken = 4096;  // characters; the longest that encode_token() makes has fewer
constexpr std::size_t kMaxPins = 8;
constexpr std::size_t kPinText = 43;

bool is_word(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && is_printable(text) &&
         text.find(' ') == std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string read_word(const JsonNode& node, std::size_t most) {
  std::string word = node.text();
  if (!is_word(word, most)) {
    node.fail("must be 1 to " + std::to_string(most) + " printable characters other than space");
  }
  return word;
}

std::string read_host(const JsonNode& node) {
  std::string host = read_word(node, 255);
  if (host.find_first_of("[]") != std::string::npos) node.fail("must have no brackets");
  return host;
}

std::vector<KeyPin> read_pins(const JsonNode& node) {
  std::vector<KeyPin> pins;
  node.each(kMaxPins, [&](const JsonNode& element) {
    const auto pin = parse_pin(element.text());
    if (pin) {
      pins.push_back(*pin);
    } else {
      element.fail("must be a fingerprint: 43 characters of base64url");
    }
  });
  if (pins.empty()) node.fail("must have a fingerprint, or be absent");
  return pins;
}

}  // namespace

std::string to_string(const KeyPin& pin) {
  return to_base64url(pin);
}

Result<KeyPin> parse_pin(std::string_view text) {
  KeyPin pin;
  std::string bytes;
  if (text.size() != kPinText || !from_base64url(text, bytes)) {
    return error(Errc::kInvalid,
                 "'" + printable(text, kPinText) + "' is not a fingerprint: 43 characters of base64url");
  }
  std::copy_n(as_bytes(bytes).begin(), pin.size(), pin.begin());
  return pin;
}

bool is_edge_id(std::string_view text) {
  return is_word(text, 64);
}

bool is_secret(std::string_view text) {
  return is_word(text, 256);
}

std::string encode_token(const Token& token) {
  json::object object{
      {"h", token.hub.host}, {"p", token.hub.port}, {"e", token.edge_id}, {"s", token.secret}};
  if (!token.pins.empty()) {
    json::array pins;
    for (const KeyPin& pin : token.pins) pins.emplace_back(to_string(pin));
    object["k"] = std::move(pins);
  }
  return to_base64url(as_bytes(json::serialize(object)));
}

Result<Token> decode_token(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return error(Errc::kInvalid, "the token is empty");
  if (text.size() > kMaxToken) return error(Errc::kLimit, "the token is longer than 4096 characters");
  std::string decoded;
  if (!from_base64url(text, decoded))
    return error(Errc::kInvalid, "the token is not base64url without padding");
  JsonDocument document{decoded, kMaxToken};
  const JsonNode root = document.root();
  Token token{.hub = {read_host(root.key("h")), root.key("p").number<std::uint16_t>(1)},
              .edge_id = read_word(root.key("e"), 64),
              .secret = read_word(root.key("s"), 256),
              .pins = {}};
  if (root.has("k")) token.pins = read_pins(root.key("k"));
  auto read = document.finish(std::move(token));
  if (!read) return std::move(read).error().within("the token");
  return read;
}

}  // namespace penstock
