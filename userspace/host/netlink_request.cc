#include "host/netlink_request.h"

#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

namespace penstock {

std::uint8_t family_of(const IpAddress& address) {
  return address.is_v4() ? AF_INET : AF_INET6;
}

void NetlinkRequest::begin(std::uint16_t type, int flags) {
  message_ = mnl_nlmsg_put_header(buffer_.data());
  message_->nlmsg_type = type;
  message_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

void NetlinkRequest::append(const void* bytes, std::size_t size) {
  if (message_->nlmsg_len + MNL_ALIGN(size) > kRoom) std::abort();
  std::memcpy(mnl_nlmsg_put_extra_header(message_, size), bytes, size);
}

void NetlinkRequest::put_u32(std::uint16_t type, std::uint32_t value) {
  if (!mnl_attr_put_u32_check(message_, kRoom, type, value)) std::abort();
}

void NetlinkRequest::put_text(std::uint16_t type, const std::string& text) {
  if (!mnl_attr_put_strz_check(message_, kRoom, type, text.c_str())) std::abort();
}

void NetlinkRequest::put_address(std::uint16_t type, const IpAddress& address) {
  const auto four = address.v4_bytes();
  const bool put = address.is_v4() ? mnl_attr_put_check(message_, kRoom, type, four.size(), four.data())
                                   : mnl_attr_put_check(message_, kRoom, type, address.bytes().size(),
                                                        address.bytes().data());
  if (!put) std::abort();
}

void NetlinkRequest::put_mac(std::uint16_t type, const Mac& mac) {
  if (!mnl_attr_put_check(message_, kRoom, type, mac.bytes.size(), mac.bytes.data())) std::abort();
}

nlattr* NetlinkRequest::begin_nest(std::uint16_t type) {
  nlattr* const nest = mnl_attr_nest_start_check(message_, kRoom, type);
  if (nest == nullptr) std::abort();
  return nest;
}

}  // namespace penstock
