// Packets built layer by layer, with every checksum computed in full: what tests send, and what they expect.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace penstock {

using Octets = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

constexpr Mac kOurMac{0x02, 0, 0, 0, 0, 0x01};
constexpr Mac kTheirMac{0x02, 0, 0, 0, 0, 0x02};

/// `size` bytes that differ from their neighbours; `seed` makes others of them.
Octets some_payload(std::size_t size, unsigned seed = 0);

/// RFC 1071, the slow way, of the bytes after `sum`.
std::uint16_t internet_checksum(const Octets& bytes, std::uint32_t sum = 0);

/// A frame under construction. Calls may come in any order; the last of a kind holds.
class Packet {
 public:
  Packet& eth(const Mac& to = kOurMac, const Mac& from = kTheirMac);
  Packet& vlan(std::uint16_t control, std::uint16_t type = 0x8100);
  /// IPv4 or IPv6, as `source` is.
  Packet& ip(std::string_view source, std::string_view destination);
  Packet& ip(const IpAddress& source, const IpAddress& destination);
  Packet& ttl(std::uint8_t hops);
  Packet& tos(std::uint8_t octet);
  Packet& id(std::uint16_t number);
  Packet& may_fragment();  // IPv4: clears "do not fragment", which is set otherwise
  /// A fragment that begins at `offset` bytes (a multiple of 8); an extension header in IPv6.
  Packet& fragment(std::uint16_t offset, bool more);
  Packet& options(std::size_t words);  // IPv4
  Packet& extension(std::uint8_t type);
  Packet& protocol(std::uint8_t number);
  Packet& udp(std::uint16_t source, std::uint16_t destination);
  Packet& icmp(std::uint8_t type, std::uint8_t code, std::uint32_t word, Octets quoted);
  Packet& payload(Octets bytes);
  Packet& payload(std::size_t size) { return payload(some_payload(size)); }
  Packet& no_checksum();
  // Lies: what a header says instead of the truth.
  Packet& ip_length(std::uint16_t length);
  Packet& udp_length(std::uint16_t length);
  Packet& ip_version(std::uint8_t version);
  // What becomes of the finished frame.
  Packet& trailing(std::size_t bytes);
  Packet& truncated(std::size_t to);

  Octets bytes() const;
  /// From the IP header on.
  Octets ip_bytes() const;
  bool is_v4() const { return source_.is_v4(); }

 private:
  Octets link() const;
  Octets ipv4(const Octets& content) const;
  Octets ipv6(const Octets& content) const;
  Octets transport() const;
  std::uint32_t pseudo_sum(std::size_t length, std::uint8_t protocol) const;

  struct Tag {
    std::uint16_t control;
    std::uint16_t type;
  };
  struct Icmp {
    std::uint8_t type;
    std::uint8_t code;
    std::uint32_t word;
    Octets quoted;
  };
  Mac to_ = kOurMac;
  Mac from_ = kTheirMac;
  std::vector<Tag> tags_;
  IpAddress source_;
  IpAddress destination_;
  std::uint8_t ttl_ = 64;
  std::uint8_t tos_ = 0;
  std::uint16_t id_ = 0;
  std::uint16_t fragment_ = 0x4000;  // the IPv4 field
  std::size_t option_words_ = 0;
  std::optional<std::uint8_t> extension_;
  std::optional<std::uint8_t> protocol_;
  std::uint16_t source_port_ = 0;
  std::uint16_t destination_port_ = 0;
  std::optional<Icmp> icmp_;
  Octets payload_;
  bool checksum_ = true;
  std::optional<std::uint16_t> ip_length_;
  std::optional<std::uint16_t> udp_length_;
  std::optional<std::uint8_t> version_;
  std::size_t trailing_ = 0;
  std::optional<std::size_t> truncated_;
};

}  // namespace penstock
