// A netlink request in the making: a header, a family's header, attributes.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/address.h"
#include "host/mac.h"

namespace penstock {

/// Holds at most kRoom bytes, which is more than any request of ours; a larger one is a bug of ours and
/// aborts. `Header` is what the kind of message begins with, such as ifinfomsg.
class NetlinkRequest {
 public:
  static constexpr std::size_t kRoom = 1024;

  /// `type` is such as RTM_GETLINK; NLM_F_REQUEST is always among the flags, and the socket adds its own.
  template <class Header>
  NetlinkRequest(std::uint16_t type, int flags, const Header& header) {
    begin(type, flags);
    append(&header, sizeof header);
  }

  NetlinkRequest(const NetlinkRequest&) = delete;
  NetlinkRequest& operator=(const NetlinkRequest&) = delete;

  void put_u32(std::uint16_t type, std::uint32_t value);
  void put_text(std::uint16_t type, const std::string& text);  // with its zero
  void put_address(std::uint16_t type, const IpAddress& address);
  void put_mac(std::uint16_t type, const Mac& mac);

  /// What `fill` puts becomes part of a nested attribute.
  template <class Fill>
  void put_nested(std::uint16_t type, Fill fill) {
    nlattr* const nest = begin_nest(type);
    fill();
    mnl_attr_nest_end(message_, nest);
  }
  /// Bytes without an attribute around them: a header inside of a nested attribute.
  void append(const void* bytes, std::size_t size);

  const nlmsghdr& message() const { return *message_; }
  void add_flags(int flags) { message_->nlmsg_flags |= static_cast<std::uint16_t>(flags); }
  void set_sequence(std::uint32_t sequence) { message_->nlmsg_seq = sequence; }

 private:
  void begin(std::uint16_t type, int flags);
  nlattr* begin_nest(std::uint16_t type);

  alignas(nlmsghdr) std::array<std::byte, kRoom> buffer_{};
  nlmsghdr* message_ = nullptr;
};

/// AF_INET or AF_INET6.
std::uint8_t family_of(const IpAddress& address);

}  // namespace penstock
