#include "base/address_prefix.h"

#include "base/text.h"

namespace penstock {
namespace {

constexpr std::size_t kShown = 64;

Error wrong(std::string_view text, std::string_view what) {
  return error(Errc::kInvalid, "\"" + printable(text, kShown) + "\" " + std::string{what});
}

}  // namespace

Result<AddressPrefix> AddressPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address)
    return wrong(text, "is no prefix: write one such as 192.0.2.0/24 or 2001:db8::/32, or an address");
  const int most = address->is_v4() ? 32 : 128;
  AddressPrefix out{*address, most};
  if (slash != std::string_view::npos) {
    const auto bits = parse_number<unsigned>(text.substr(slash + 1));
    if (!bits || *bits > static_cast<unsigned>(most))
      return wrong(text, "must have 0 to " + std::to_string(most) + " bits behind the slash");
    out.bits = static_cast<int>(*bits);
  }
  const IpAddress network = address->prefix(out.bits, out.bits);
  if (network != *address)
    return wrong(text, "has bits behind the prefix: write " + AddressPrefix{network, out.bits}.to_string());
  if (!address->is_v4() && out.contains(IpAddress::v4(0)))
    return wrong(text, "holds all IPv4 addresses too: write 0.0.0.0/0 for those, 2000::/3 for IPv6");
  return out;
}

std::string AddressPrefix::to_string() const {
  const bool whole = bits == (address.is_v4() ? 32 : 128);
  return whole ? address.to_string() : address.to_string() + "/" + std::to_string(bits);
}

bool AddressPrefix::contains(const IpAddress& other) const {
  for (int bit = 0; bit < mapped_bits(); ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    if ((other.bytes()[byte] & mask) != (address.bytes()[byte] & mask)) return false;
  }
  return true;
}

}  // namespace penstock
