#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/text.h"

namespace penstock {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress out;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), out.bytes_.begin());
  const std::uint32_t wire = htonl(host_order);
  std::memcpy(out.bytes_.data() + 12, &wire, 4);
  return out;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
  IpAddress out;
  out.bytes_ = bytes;
  return out;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy{text};
  const bool whole = copy.find('\0') == std::string::npos;
  in_addr four{};
  if (whole && inet_pton(AF_INET, copy.c_str(), &four) == 1) return v4(ntohl(four.s_addr));
  std::array<std::uint8_t, 16> six{};
  if (whole && inet_pton(AF_INET6, copy.c_str(), six.data()) == 1) return v6(six);
  return error(Errc::kInvalid, "'" + printable(text, 64) + "' is not an IP address");
}

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

bool IpAddress::is_any() const {
  return *this == IpAddress{} || *this == v4(0);
}

IpAddress IpAddress::loopback(bool v4) {
  if (v4) return IpAddress::v4(0x7F000001);
  std::array<std::uint8_t, 16> bytes{};
  bytes[15] = 1;
  return IpAddress::v6(bytes);
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[12] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; }) && bytes_[15] == 1;
}

std::array<std::uint8_t, 4> IpAddress::v4_bytes() const {
  return {bytes_[12], bytes_[13], bytes_[14], bytes_[15]};
}

IpAddress IpAddress::prefix(int v4_bits, int v6_bits) const {
  const int keep = is_v4() ? 96 + v4_bits : v6_bits;
  IpAddress out = *this;
  for (int bit = keep; bit < 128; ++bit) {
    out.bytes_[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  return out;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + 12, text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  }
  return text.data();
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  auto split = HostPort::parse(text);
  if (!split) return split.error();
  auto address = IpAddress::parse(split->host);
  if (!address) return address.error();
  return Endpoint{*address, split->port};
}

Endpoint Endpoint::from_sockaddr(const sockaddr* from) {
  if (from->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, from, sizeof in);
    return {IpAddress::v4(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
  }
  sockaddr_in6 in6{};
  std::memcpy(&in6, from, sizeof in6);
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &in6.sin6_addr, bytes.size());
  return {IpAddress::v6(bytes), ntohs(in6.sin6_port)};
}

socklen_t Endpoint::to_sockaddr(sockaddr_storage& out) const {
  out = {};
  if (address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, address.v4_bytes().data(), 4);
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  std::memcpy(&in6.sin6_addr, address.bytes().data(), 16);
  std::memcpy(&out, &in6, sizeof in6);
  return sizeof in6;
}

std::string Endpoint::to_string() const {
  return address.is_v4() ? address.to_string() + ":" + std::to_string(port)
                         : "[" + address.to_string() + "]:" + std::to_string(port);
}

Result<HostPort> HostPort::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return error(Errc::kInvalid, "'" + printable(text, 270) + "' is not HOST:PORT: " + std::string{why});
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("the colon is missing");
  std::string_view host = text.substr(0, colon);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port || *port == 0) return bad("the port is not a number from 1 to 65535");
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address needs brackets");
  }
  if (host.empty() || host.size() > 255) return bad("the host is empty or longer than 255 characters");
  if (!is_printable(host) || host.find(' ') != std::string_view::npos)
    return bad("the host has a character that no host has");
  return HostPort{std::string{host}, *port};
}

std::string HostPort::to_string() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::size_t IpAddressHash::operator()(const IpAddress& address) const {
  return std::hash<std::string_view>{}(
      {reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size()});
}

}  // namespace penstock
