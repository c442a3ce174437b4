#include "host/tap_device.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "host/capabilities.h"
#include "host/netlink_socket.h"
#include "host/sysctl.h"

namespace penstock {
namespace {

namespace errc = boost::system::errc;

constexpr std::uint32_t kTapMtu = 65521;  // with its Ethernet header 64 KiB
constexpr std::uint32_t kQueue = 16;      // frames

Result<FileDescriptor> open_named(const std::string& name) {
  if (name.size() >= IFNAMSIZ) return error(Errc::kInvalid, "'" + name + "' is too long for an interface");
  const RaisedCapabilities raised{CAP_NET_ADMIN};
  FileDescriptor file{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!file) return system_error("cannot open /dev/net/tun", errno);
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
  if (::ioctl(file.get(), TUNSETIFF, &request) == 0) return file;
  if (errno == EBUSY) return error(Errc::kExists, "interface " + name + " is there");
  return system_error("cannot make tap device " + name, errno);
}

Result<void> bring_up(std::uint32_t index) {
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  NetlinkRequest request{RTM_NEWLINK, 0,
                         ifinfomsg{.ifi_index = static_cast<int>(index),
                                   .ifi_flags = IFF_UP | IFF_NOARP,
                                   .ifi_change = IFF_UP | IFF_NOARP}};
  request.put_u32(IFLA_MTU, kTapMtu);
  request.put_u32(IFLA_TXQLEN, kQueue);
  return socket->ask(request);
}

}  // namespace

Result<TapDevice> make_tap_device(const std::string& name) {
  auto file = open_named(name);
  if (!file) return file.error();
  const std::uint32_t index = ::if_nametoindex(name.c_str());
  if (index == 0) return error(Errc::kUnavailable, "interface " + name + " was removed while it was made");
  auto done = write_sysctl("net/ipv6/conf/" + name + "/disable_ipv6", "1");
  if (done || done.error().code == errc::no_such_file_or_directory) done = bring_up(index);
  if (!done) return std::move(done).error().within("cannot set up interface " + name);
  return TapDevice{.file = std::move(*file), .index = index};
}

}  // namespace penstock
