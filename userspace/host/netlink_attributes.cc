#include "host/netlink_attributes.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>

namespace penstock {
namespace {

std::optional<IpAddress> address_of(const std::byte* bytes, std::size_t size) {
  if (size == 4) {
    std::uint32_t wire = 0;
    std::memcpy(&wire, bytes, sizeof wire);
    return IpAddress::v4(ntohl(wire));
  }
  std::array<std::uint8_t, 16> six{};
  if (size != six.size()) return std::nullopt;
  std::memcpy(six.data(), bytes, six.size());
  return IpAddress::v6(six);
}

const std::byte* payload_of(const nlattr* attribute) {
  return static_cast<const std::byte*>(mnl_attr_get_payload(attribute));
}

}  // namespace

NetlinkAttributes::NetlinkAttributes(const nlmsghdr& message, std::size_t header_size) {
  const std::size_t size = mnl_nlmsg_get_payload_len(&message);
  const auto* const payload = static_cast<const std::byte*>(mnl_nlmsg_get_payload(&message));
  header_size = MNL_ALIGN(header_size);
  if (size > header_size) add_all(payload + header_size, size - header_size);
}

NetlinkAttributes::NetlinkAttributes(const nlattr& nest) {
  add_all(payload_of(&nest), mnl_attr_get_payload_len(&nest));
}

void NetlinkAttributes::add_all(const std::byte* at, std::size_t size) {
  int left = static_cast<int>(size);
  for (const auto* attribute = reinterpret_cast<const nlattr*>(at); mnl_attr_ok(attribute, left);
       attribute = mnl_attr_next(attribute)) {
    left -= static_cast<int>(MNL_ALIGN(attribute->nla_len));
    const std::uint16_t type = mnl_attr_get_type(attribute);
    if (type < kTypes) by_type_[type] = attribute;
  }
}

std::string NetlinkAttributes::text(std::uint16_t type) const {
  const nlattr* const attribute = find(type);
  if (attribute == nullptr) return {};
  const char* const begin = mnl_attr_get_str(attribute);
  return {begin, ::strnlen(begin, mnl_attr_get_payload_len(attribute))};
}

std::optional<IpAddress> NetlinkAttributes::address(std::uint16_t type) const {
  const nlattr* const attribute = find(type);
  if (attribute == nullptr) return std::nullopt;
  return address_of(payload_of(attribute), mnl_attr_get_payload_len(attribute));
}

std::optional<IpAddress> NetlinkAttributes::via(std::uint16_t type) const {
  const nlattr* const attribute = find(type);
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < sizeof(rtvia)) return std::nullopt;
  return address_of(payload_of(attribute) + sizeof(rtvia),
                    mnl_attr_get_payload_len(attribute) - sizeof(rtvia));
}

std::optional<Mac> NetlinkAttributes::mac(std::uint16_t type) const {
  const nlattr* const attribute = find(type);
  Mac mac;
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) != mac.bytes.size()) return std::nullopt;
  std::memcpy(mac.bytes.data(), mnl_attr_get_payload(attribute), mac.bytes.size());
  return mac;
}

std::optional<NetlinkAttributes> NetlinkAttributes::nested(std::uint16_t type) const {
  const nlattr* const attribute = find(type);
  if (attribute == nullptr) return std::nullopt;
  return NetlinkAttributes{*attribute};
}

}  // namespace penstock
