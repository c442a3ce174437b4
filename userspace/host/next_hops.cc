#include "host/next_hops.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "host/interface.h"
#include "host/netlink_attributes.h"

namespace penstock {
namespace {

namespace errc = boost::system::errc;

constexpr std::uint16_t kUsable =
    NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;

/// How the kernel names the routes that lead nowhere: none, unreachable, prohibit, and, for IPv4, blackhole.
bool is_no_way(const Error& error) {
  return error.code == errc::network_unreachable || error.code == errc::host_unreachable ||
         error.code == errc::permission_denied || error.code == errc::invalid_argument;
}

std::uint32_t mtu_of(const NetlinkAttributes& route) {
  const auto metrics = route.nested(RTA_METRICS);
  return metrics ? metrics->number<std::uint32_t>(RTAX_MTU).value_or(0) : 0;
}

/// What the kernel learned of one path expires; what was configured does not.
bool expires(const NetlinkAttributes& route) {
  const auto cache = route.number<rta_cacheinfo>(RTA_CACHEINFO);
  return cache && cache->rta_expires != 0;
}

std::optional<Way> read_way(const nlmsghdr& message, const IpAddress& destination) {
  const auto header = header_of<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !header) return std::nullopt;
  if (header->rtm_type != RTN_UNICAST && header->rtm_type != RTN_LOCAL) return Way{};
  const NetlinkAttributes route{message, sizeof(rtmsg)};
  auto gateway = route.address(RTA_GATEWAY);
  if (!gateway) gateway = route.via(RTA_VIA);
  const std::uint32_t mtu = mtu_of(route);
  return Way{.kind = header->rtm_type == RTN_LOCAL ? Way::Kind::kLocal : Way::Kind::kUnicast,
             .interface = route.number<std::uint32_t>(RTA_OIF).value_or(0),
             .neighbour = gateway.value_or(destination),
             .source = route.address(RTA_PREFSRC).value_or(IpAddress{}),
             .mtu = mtu,
             .mtu_learned = mtu != 0 && expires(route)};
}

ndmsg neighbour_header(std::uint32_t interface, const IpAddress& address) {
  ndmsg header{};
  header.ndm_family = family_of(address);
  header.ndm_ifindex = static_cast<int>(interface);
  return header;
}

}  // namespace

Result<NextHops> NextHops::open() {
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  return NextHops{std::move(*socket)};
}

Result<Way> NextHops::way_to(const IpAddress& destination, std::optional<IpAddress> from) {
  if (from && from->is_v4() != destination.is_v4()) return Way{};
  const auto bits = static_cast<std::uint8_t>(destination.is_v4() ? 32 : 128);
  NetlinkRequest request{RTM_GETROUTE, 0,
                         rtmsg{.rtm_family = family_of(destination),
                               .rtm_dst_len = bits,
                               .rtm_src_len = from ? bits : std::uint8_t{0}}};
  request.put_address(RTA_DST, destination);
  if (from) request.put_address(RTA_SRC, *from);
  std::optional<Way> way;
  const auto done =
      socket_.ask(request, [&](const nlmsghdr& message) { way = read_way(message, destination); });
  if (!done && is_no_way(done.error())) return Way{};
  if (!done) return Error{done.error()}.within("cannot ask for the way to " + destination.to_string());
  if (!way || way->interface == 0) return Way{};
  if (way->source == IpAddress{} && from) way->source = *from;
  if (way->mtu != 0) return *way;
  auto mtu = mtu_of(way->interface);
  if (!mtu) return mtu.error();
  way->mtu = *mtu;
  return *way;
}

Result<std::uint32_t> NextHops::mtu_of(std::uint32_t interface) {
  NetlinkRequest request{RTM_GETLINK, 0, ifinfomsg{.ifi_index = static_cast<int>(interface)}};
  std::uint32_t mtu = 0;
  const auto done = socket_.ask(request, [&](const nlmsghdr& message) {
    if (const auto read = read_interface(message)) mtu = read->mtu;
  });
  if (!done) {
    return Error{done.error()}.within("cannot ask for the MTU of interface " + std::to_string(interface));
  }
  return mtu;
}

Result<std::optional<Mac>> NextHops::neighbour(std::uint32_t interface, const IpAddress& address) {
  NetlinkRequest request{RTM_GETNEIGH, 0, neighbour_header(interface, address)};
  request.put_address(NDA_DST, address);
  std::optional<Mac> mac;
  const auto done = socket_.ask(request, [&](const nlmsghdr& message) {
    const auto header = header_of<ndmsg>(message);
    if (message.nlmsg_type != RTM_NEWNEIGH || !header || (header->ndm_state & kUsable) == 0) return;
    mac = NetlinkAttributes{message, sizeof(ndmsg)}.mac(NDA_LLADDR);
  });
  if (done || done.error().code == errc::no_such_file_or_directory) return mac;
  return Error{done.error()}.within("cannot ask for neighbour " + address.to_string());
}

Result<void> NextHops::use_neighbour(std::uint32_t interface, const IpAddress& address) {
  ndmsg header = neighbour_header(interface, address);
  header.ndm_flags = NTF_USE;
  NetlinkRequest request{RTM_NEWNEIGH, NLM_F_CREATE, header};
  request.put_address(NDA_DST, address);
  if (auto done = socket_.ask(request); !done) {
    return Error{done.error()}.within("cannot have neighbour " + address.to_string() + " resolved");
  }
  return {};
}

}  // namespace penstock
