// The attributes of a netlink message, or of a nested attribute, found by their type.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/address.h"
#include "host/mac.h"

namespace penstock {

/// What a kind of message begins with, such as ifinfomsg; nothing when the message is shorter.
template <class Header>
std::optional<Header> header_of(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(Header)) return std::nullopt;
  Header header{};
  std::memcpy(&header, mnl_nlmsg_get_payload(&message), sizeof header);
  return header;
}

/// A view: the message must outlive it. Attributes that are missing, too short or of another form read as
/// nothing.
class NetlinkAttributes {
 public:
  /// `header_size` bytes precede the attributes.
  NetlinkAttributes(const nlmsghdr& message, std::size_t header_size);
  explicit NetlinkAttributes(const nlattr& nest);

  bool has(std::uint16_t type) const { return find(type) != nullptr; }
  template <class T>
  std::optional<T> number(std::uint16_t type) const {
    const nlattr* const attribute = find(type);
    if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof value);
    return value;
  }
  /// Empty when missing.
  std::string text(std::uint16_t type) const;
  /// Of 4 or 16 bytes.
  std::optional<IpAddress> address(std::uint16_t type) const;
  /// An address behind its family: RTA_VIA.
  std::optional<IpAddress> via(std::uint16_t type) const;
  std::optional<Mac> mac(std::uint16_t type) const;
  std::optional<NetlinkAttributes> nested(std::uint16_t type) const;

 private:
  static constexpr std::size_t kTypes = 128;  // more than any message that we read has

  void add_all(const std::byte* at, std::size_t size);
  const nlattr* find(std::uint16_t type) const { return type < kTypes ? by_type_[type] : nullptr; }

  std::array<const nlattr*, kTypes> by_type_{};
};

}  // namespace penstock
