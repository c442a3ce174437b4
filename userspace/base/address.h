// IP addresses and endpoints as values, IPv4 stored v4-mapped so that one form serves both families.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock {

/// An IPv4 or IPv6 address. IPv4 is held as ::ffff:a.b.c.d; is_v4() tells the two apart.
class IpAddress {
 public:
  IpAddress() = default;  // ::
  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
  static IpAddress loopback(bool v4);  // 127.0.0.1 or ::1
  /// Accepts dotted IPv4 and textual IPv6, without brackets, zone or prefix.
  static Result<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  bool is_any() const;  // 0.0.0.0 or ::
  bool is_loopback() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  /// The four bytes of an IPv4 address, as the wire has them.
  std::array<std::uint8_t, 4> v4_bytes() const;
  /// The address with all bits behind the prefix cleared; `v4_bits` applies to IPv4, `v6_bits` to IPv6.
  IpAddress prefix(int v4_bits, int v6_bits) const;
  std::string to_string() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address and a port (host byte order).
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:80" or "[2001:db8::1]:80".
  static Result<Endpoint> parse(std::string_view text);
  static Endpoint from_sockaddr(const sockaddr* from);
  /// Fills `out` and returns the length that belongs to its family.
  socklen_t to_sockaddr(sockaddr_storage& out) const;
  std::string to_string() const;

  auto operator<=>(const Endpoint&) const = default;
};

/// "host:port" where host may be a name: split at the last colon, brackets removed. The port is 1 to 65535.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  static Result<HostPort> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const HostPort&) const = default;
};

struct IpAddressHash {
  std::size_t operator()(const IpAddress& address) const;
};

}  // namespace penstock
