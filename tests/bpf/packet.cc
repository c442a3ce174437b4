// Packets built layer by layer.
#include "bpf/packet.h"

#include <netinet/in.h>

namespace penstock {
namespace {

constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;

void put_u8(Octets& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value));
}
void put_u16(Octets& out, std::size_t value) {
  put_u8(out, value >> 8);
  put_u8(out, value);
}
void put_u32(Octets& out, std::size_t value) {
  put_u16(out, value >> 16);
  put_u16(out, value);
}
template <class Range>
void put(Octets& out, const Range& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_u16_at(Octets& out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint32_t sum_of(const Octets& bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : std::uint32_t{bytes[i]};
  return sum;
}

}  // namespace

Octets some_payload(std::size_t size, unsigned seed) {
  Octets out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::uint8_t>((i + 1) * 167 + seed * 59 + i / 256);
  return out;
}

std::uint16_t internet_checksum(const Octets& bytes, std::uint32_t sum) {
  sum = sum_of(bytes, sum);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Packet& Packet::eth(const Mac& to, const Mac& from) {
  to_ = to;
  from_ = from;
  return *this;
}
Packet& Packet::vlan(std::uint16_t control, std::uint16_t type) {
  tags_.push_back({control, type});
  return *this;
}
Packet& Packet::ip(std::string_view source, std::string_view destination) {
  return ip(IpAddress::parse(source).value(), IpAddress::parse(destination).value());
}
Packet& Packet::ip(const IpAddress& source, const IpAddress& destination) {
  source_ = source;
  destination_ = destination;
  return *this;
}
Packet& Packet::ttl(std::uint8_t hops) {
  ttl_ = hops;
  return *this;
}
Packet& Packet::tos(std::uint8_t octet) {
  tos_ = octet;
  return *this;
}
Packet& Packet::id(std::uint16_t number) {
  id_ = number;
  return *this;
}
Packet& Packet::may_fragment() {
  fragment_ = static_cast<std::uint16_t>(fragment_ & ~kDontFragment);
  return *this;
}
Packet& Packet::fragment(std::uint16_t offset, bool more) {
  fragment_ = static_cast<std::uint16_t>(offset / 8 | (more ? kMoreFragments : 0));
  if (!is_v4()) extension_ = IPPROTO_FRAGMENT;
  return *this;
}
Packet& Packet::options(std::size_t words) {
  option_words_ = words;
  return *this;
}
Packet& Packet::extension(std::uint8_t type) {
  extension_ = type;
  return *this;
}
Packet& Packet::protocol(std::uint8_t number) {
  protocol_ = number;
  return *this;
}
Packet& Packet::udp(std::uint16_t source, std::uint16_t destination) {
  source_port_ = source;
  destination_port_ = destination;
  return *this;
}
Packet& Packet::icmp(std::uint8_t type, std::uint8_t code, std::uint32_t word, Octets quoted) {
  icmp_ = Icmp{type, code, word, std::move(quoted)};
  return *this;
}
Packet& Packet::payload(Octets bytes) {
  payload_ = std::move(bytes);
  return *this;
}
Packet& Packet::no_checksum() {
  checksum_ = false;
  return *this;
}
Packet& Packet::ip_length(std::uint16_t length) {
  ip_length_ = length;
  return *this;
}
Packet& Packet::udp_length(std::uint16_t length) {
  udp_length_ = length;
  return *this;
}
Packet& Packet::ip_version(std::uint8_t version) {
  version_ = version;
  return *this;
}
Packet& Packet::trailing(std::size_t bytes) {
  trailing_ = bytes;
  return *this;
}
Packet& Packet::truncated(std::size_t to) {
  truncated_ = to;
  return *this;
}

Octets Packet::link() const {
  Octets out;
  put(out, to_);
  put(out, from_);
  for (const Tag& tag : tags_) {
    put_u16(out, tag.type);
    put_u16(out, tag.control);
  }
  put_u16(out, is_v4() ? 0x0800 : 0x86dd);
  return out;
}

std::uint32_t Packet::pseudo_sum(std::size_t length, std::uint8_t protocol) const {
  Octets head;
  if (is_v4()) {
    put(head, source_.v4_bytes());
    put(head, destination_.v4_bytes());
  } else {
    put(head, source_.bytes());
    put(head, destination_.bytes());
  }
  put_u16(head, protocol);
  put_u32(head, length);
  return sum_of(head, 0);
}

Octets Packet::transport() const {
  Octets out;
  if (icmp_) {
    put_u8(out, icmp_->type);
    put_u8(out, icmp_->code);
    put_u16(out, 0);
    put_u32(out, icmp_->word);
    put(out, icmp_->quoted);
    put_u16_at(out, 2, internet_checksum(out, is_v4() ? 0 : pseudo_sum(out.size(), IPPROTO_ICMPV6)));
    return out;
  }
  put_u16(out, source_port_);
  put_u16(out, destination_port_);
  put_u16(out, udp_length_.value_or(static_cast<std::uint16_t>(8 + payload_.size())));
  put_u16(out, 0);
  put(out, payload_);
  if (checksum_) {
    const std::uint16_t checksum = internet_checksum(out, pseudo_sum(8 + payload_.size(), IPPROTO_UDP));
    put_u16_at(out, 6, checksum == 0 ? 0xffff : checksum);
  }
  return out;
}

Octets Packet::ipv4(const Octets& content) const {
  Octets out;
  const std::size_t header = 20 + 4 * option_words_;
  put_u8(out, static_cast<std::size_t>(version_.value_or(4) << 4) | header / 4);
  put_u8(out, tos_);
  put_u16(out, ip_length_.value_or(static_cast<std::uint16_t>(header + content.size())));
  put_u16(out, id_);
  put_u16(out, fragment_);
  put_u8(out, ttl_);
  put_u8(out, protocol_.value_or(icmp_ ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_UDP}));
  put_u16(out, 0);
  put(out, source_.v4_bytes());
  put(out, destination_.v4_bytes());
  for (std::size_t i = 0; i < option_words_; ++i) put_u32(out, 0x01010101);  // no operation
  put_u16_at(out, 10, internet_checksum(out));
  put(out, content);
  return out;
}

Octets Packet::ipv6(const Octets& content) const {
  Octets out;
  const std::uint8_t last =
      protocol_.value_or(icmp_ ? std::uint8_t{IPPROTO_ICMPV6} : std::uint8_t{IPPROTO_UDP});
  const std::size_t length = content.size() + (extension_ ? 8 : 0);
  put_u32(out, static_cast<std::size_t>(version_.value_or(6)) << 28 | static_cast<std::size_t>(tos_) << 20);
  put_u16(out, ip_length_.value_or(static_cast<std::uint16_t>(length)));
  put_u8(out, extension_.value_or(last));
  put_u8(out, ttl_);
  put(out, source_.bytes());
  put(out, destination_.bytes());
  if (extension_) {
    put_u8(out, last);
    put_u8(out, 0);
    put_u16(out,
            extension_ == IPPROTO_FRAGMENT
                ? static_cast<std::size_t>((fragment_ & 0x1fff) << 3 | (fragment_ & kMoreFragments ? 1 : 0))
                : 0x0104);  // PadN
    put_u32(out, 0);
  }
  put(out, content);
  return out;
}

Octets Packet::ip_bytes() const {
  return is_v4() ? ipv4(transport()) : ipv6(transport());
}

Octets Packet::bytes() const {
  Octets out = link();
  put(out, ip_bytes());
  out.insert(out.end(), trailing_, 0xee);
  if (truncated_ && *truncated_ < out.size()) out.resize(*truncated_);
  return out;
}

}  // namespace penstock
