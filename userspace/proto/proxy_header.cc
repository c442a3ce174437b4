#include "proto/proxy_header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace penstock {
namespace {

constexpr std::size_t kMaxLine = 107;

constexpr std::array<std::uint8_t, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t kV2Prefix = kSignature.size() + 4;
constexpr std::uint8_t kProxyCommand = 0x21;  // version 2
constexpr std::uint8_t kInet = 0x10;
constexpr std::uint8_t kInet6 = 0x20;
constexpr std::uint8_t kStream = 0x01;
constexpr std::uint8_t kDatagram = 0x02;

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

Error bad_v2(std::string_view why) {
  return error(Errc::kInvalid, "PROXY v2 header: " + std::string{why});
}

bool same_byte(std::uint8_t a, std::byte b) {
  return std::byte{a} == b;
}

/// Bytes behind the prefix: two addresses and two ports.
constexpr std::size_t addresses_size(bool v4) {
  return v4 ? 12 : 36;
}

ProxyV2Header write_v2(const ProxyAddresses& addresses, std::uint8_t transport) {
  ProxyV2Header header;
  const auto append = [&](const auto& bytes) {
    for (const std::uint8_t byte : bytes) header.bytes[header.size++] = std::byte{byte};
  };
  const bool v4 = is_v4(addresses);
  const auto family = static_cast<std::uint8_t>((v4 ? kInet : kInet6) | transport);
  append(kSignature);
  append(
      std::array<std::uint8_t, 4>{kProxyCommand, family, 0, static_cast<std::uint8_t>(addresses_size(v4))});
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

IpAddress read_address(const std::byte* at, bool v4) {
  if (v4) return IpAddress::v4(load_u32(at));
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), at, bytes.size());
  return IpAddress::v6(bytes);
}

ProxyAddresses read_addresses(Bytes bytes, bool v4) {
  const std::size_t size = v4 ? 4 : 16;
  const std::byte* const ports = bytes.data() + 2 * size;
  return {.client = {read_address(bytes.data(), v4), load_u16(ports)},
          .local = {read_address(bytes.data() + size, v4), load_u16(ports + 2)}};
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
  return write_v2(addresses, kStream);
}

ProxyV2Header proxy_v2_datagram(const ProxyAddresses& addresses) {
  return write_v2(addresses, kDatagram);
}

Result<ProxyAddresses> parse_proxy_v2_datagram(Bytes header) {
  if (header.size() < kV2Prefix) return bad_v2("it has " + std::to_string(header.size()) + " bytes");
  if (!std::equal(kSignature.begin(), kSignature.end(), header.begin(), same_byte)) {
    return bad_v2("the signature is another");
  }
  const auto command = std::to_integer<std::uint8_t>(header[12]);
  if (command >> 4 != 2) return bad_v2("the version is " + std::to_string(command >> 4));
  if (command != kProxyCommand)
    return bad_v2("the command is " + std::to_string(command & 15) + ", not PROXY");
  const auto family = std::to_integer<std::uint8_t>(header[13]);
  const bool v4 = family == (kInet | kDatagram);
  if (!v4 && family != (kInet6 | kDatagram)) {
    return bad_v2("the family 0x" + to_hex(header.subspan(13, 1)) + " is not UDP over IPv4 or IPv6");
  }
  const std::size_t length = load_u16(header.data() + 14);
  if (length != addresses_size(v4)) return bad_v2("the length is " + std::to_string(length));
  if (header.size() != kV2Prefix + length) {
    return bad_v2("it has " + std::to_string(header.size()) + " bytes, not " +
                  std::to_string(kV2Prefix + length));
  }
  return read_addresses(header.subspan(kV2Prefix), v4);
}

}  // namespace penstock
