#include "proto/proxy_header.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace penstock {
namespace {

constexpr std::size_t kMaxLine = 107;

bool is_v4(const ProxyAddresses& addresses) {
  return addresses.client.address.is_v4() && addresses.local.address.is_v4();
}

std::string in_family(const IpAddress& address, bool v4) {
  return (!v4 && address.is_v4() ? "::ffff:" : "") + address.to_string();
}

/// The words of a line that is split at single spaces.
class Words {
 public:
  explicit Words(std::string_view line) : rest_{line} {}
  std::string_view next() {
    const auto space = rest_.find(' ');
    const std::string_view word = rest_.substr(0, space);
    rest_ = space == std::string_view::npos ? std::string_view{} : rest_.substr(space + 1);
    return word;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

std::optional<IpAddress> parse_address(std::string_view text, bool v4) {
  if (v4 != (text.find(':') == std::string_view::npos)) return std::nullopt;
  const auto address = IpAddress::parse(text);
  return address ? std::optional{*address} : std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return parse_number<std::uint16_t>(text);
}

Error bad(std::string_view part, std::string_view text) {
  return error(Errc::kInvalid,
               "PROXY line: the " + std::string{part} + " '" + printable(text, 64) + "' cannot be read");
}

}  // namespace

std::string proxy_v1(const ProxyAddresses& addresses) {
  const bool v4 = is_v4(addresses);
  return (v4 ? "PROXY TCP4 " : "PROXY TCP6 ") + in_family(addresses.client.address, v4) + " " +
         in_family(addresses.local.address, v4) + " " + std::to_string(addresses.client.port) + " " +
         std::to_string(addresses.local.port) + "\r\n";
}

Result<ProxyAddresses> parse_proxy_v1(std::string_view line) {
  if (line.size() > kMaxLine) return error(Errc::kLimit, "PROXY line: longer than 107 bytes");
  if (!line.ends_with("\r\n")) return error(Errc::kInvalid, "PROXY line: it does not end in CR LF");
  Words words{line.substr(0, line.size() - 2)};
  if (const auto word = words.next(); word != "PROXY") return bad("keyword", word);
  const std::string_view family = words.next();
  if (family != "TCP4" && family != "TCP6") return bad("family", family);
  const std::array<std::string_view, 4> text{words.next(), words.next(), words.next(), words.rest()};
  const bool v4 = family == "TCP4";
  const auto client = parse_address(text[0], v4);
  if (!client) return bad("client address", text[0]);
  const auto local = parse_address(text[1], v4);
  if (!local) return bad("local address", text[1]);
  const auto client_port = parse_port(text[2]);
  if (!client_port) return bad("client port", text[2]);
  const auto local_port = parse_port(text[3]);
  if (!local_port) return bad("local port", text[3]);
  return ProxyAddresses{{*client, *client_port}, {*local, *local_port}};
}

ProxyV2Header proxy_v2(const ProxyAddresses& addresses) {
  constexpr std::array<std::uint8_t, 13> kSignatureAndCommand{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a,
                                                              0x51, 0x55, 0x49, 0x54, 0x0a, 0x21};
  ProxyV2Header header;
  const auto append = [&](const auto& bytes) {
    for (const std::uint8_t byte : bytes) header.bytes[header.size++] = std::byte{byte};
  };
  const bool v4 = is_v4(addresses);
  append(kSignatureAndCommand);
  append(std::array<std::uint8_t, 3>{v4 ? std::uint8_t{0x11} : std::uint8_t{0x21}, 0,
                                     v4 ? std::uint8_t{12} : std::uint8_t{36}});
  for (const IpAddress& address : {addresses.client.address, addresses.local.address}) {
    if (v4) {
      append(address.v4_bytes());
    } else {
      append(address.bytes());
    }
  }
  store_u16(header.bytes.data() + header.size, addresses.client.port);
  store_u16(header.bytes.data() + header.size + 2, addresses.local.port);
  header.size += 4;
  return header;
}

}  // namespace penstock
