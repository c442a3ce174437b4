#include "host/steering_device.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/text.h"
#include "host/capabilities.h"
#include "host/netlink_socket.h"
#include "host/next_hops.h"
#include "host/sysctl.h"
#include "host/veth_pair.h"

namespace penstock {
namespace {

namespace errc = boost::system::errc;

constexpr std::uint32_t kSmallestMtu = 68;  // of IPv4
constexpr std::uint32_t kLargestMtu = 65535;
constexpr std::string_view kFlushTimeout = "20000";  // nanoseconds that NAPI waits for more to join
constexpr std::string_view kDeferredInterrupts = "2";

bool is_interface_name(const std::string& name) {
  return name.size() < IFNAMSIZ && is_name(name);
}

Result<void> check(const SteeringDeviceOptions& options) {
  for (const std::string& name : {options.near, options.far}) {
    if (!is_interface_name(name)) {
      return error(Errc::kInvalid, "'" + printable(name, 64) + "' cannot name a network interface");
    }
  }
  if (options.near == options.far) return error(Errc::kInvalid, "both ends have the name " + options.near);
  if (options.mtu < kSmallestMtu || options.mtu > kLargestMtu) {
    return error(Errc::kInvalid, "the MTU " + std::to_string(options.mtu) + " is not from 68 to 65535");
  }
  if (!options.steering_address.is_v4() || options.steering_address.is_any()) {
    return error(Errc::kInvalid,
                 "the steering address " + options.steering_address.to_string() + " is not IPv4");
  }
  if (!options.network.is_v4() || options.network_bits < 1 || options.network_bits > 30 ||
      options.network.prefix(options.network_bits, 0) != options.network) {
    return error(Errc::kInvalid, options.network.to_string() + "/" + std::to_string(options.network_bits) +
                                     " is not an IPv4 network of 1 to 30 bits");
  }
  return {};
}

/// Settings of an IPv4 interface; what `all` has is left alone, since other interfaces hear it too.
Result<void> set_sysctls(const std::string& interface, bool reaches_loopback) {
  const std::string v6 = "net/ipv6/conf/" + interface + "/disable_ipv6";
  if (auto done = write_sysctl(v6, "1"); !done && done.error().code != errc::no_such_file_or_directory)
    return done;
  const std::string v4 = "net/ipv4/conf/" + interface + "/";
  if (auto done = write_sysctl(v4 + "rp_filter", "0"); !done) return done;
  if (auto done = write_sysctl(v4 + "accept_local", "0"); !done) return done;
  return write_sysctl(v4 + "route_localnet", reaches_loopback ? "1" : "0");
}

/// Both ends have one MAC address. Without ARP the stack sends to an end's own, by which the other end judges
/// whether a packet is for this host before a program has seen it. Once set, udev gives it no other.
Result<void> set_up_end(NetlinkSocket& socket, const Interface& end, std::uint32_t mtu, const Mac& mac,
                        bool reaches_loopback) {
  if (auto done = set_sysctls(end.name, reaches_loopback); !done) return done;
  if (auto done = turn_off_checksum_offload(end.name); !done) return done;
  return bring_up_without_arp(socket, end, mtu, mac);
}

bool write_attribute(const std::string& path, std::string_view value) {
  const FileDescriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  return file && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

/// False where it cannot be had: /sys may be read-only, or show another namespace, where the name is
/// another's.
bool join_bursts(const Interface& interface) {
  const std::string folder = "/sys/class/net/" + interface.name + "/";
  const auto mac = read_file(folder + "address", 64);
  if (!mac || *mac != interface.mac.to_string() + "\n") return false;
  return write_attribute(folder + "napi_defer_hard_irqs", kDeferredInterrupts) &&
         write_attribute(folder + "gro_flush_timeout", kFlushTimeout);
}

Result<std::uint32_t> loopback_index() {
  auto all = interfaces();
  if (!all) return all.error();
  const auto at = std::find_if(all->begin(), all->end(), [](const Interface& one) { return one.loopback; });
  if (at == all->end()) return error(Errc::kNotFound, "there is no loopback device");
  return at->index;
}

/// RTM_NEWADDR or RTM_DELADDR of the steering address.
Result<void> ask_for_address(NetlinkSocket& socket, std::uint16_t type, int flags, const IpAddress& address) {
  const auto loopback = loopback_index();
  if (!loopback) return loopback.error();
  const ifaddrmsg header{
      .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_scope = RT_SCOPE_HOST, .ifa_index = *loopback};
  NetlinkRequest request{type, flags, header};
  request.put_address(IFA_LOCAL, address);
  request.put_address(IFA_ADDRESS, address);
  return socket.ask(request);
}

Result<void> add_address(NetlinkSocket& socket, const IpAddress& address) {
  auto done = ask_for_address(socket, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
  if (done || done.error().code == errc::file_exists) return {};
  return std::move(done).error().within("cannot give the loopback device " + address.to_string());
}

Result<void> remove_address(NetlinkSocket& socket, const IpAddress& address) {
  auto done = ask_for_address(socket, RTM_DELADDR, 0, address);
  if (done || done.error().code == errc::address_not_available) return {};
  return std::move(done).error().within("cannot take " + address.to_string() + " from the loopback device");
}

/// Half of the network, and the end of the pair that leads there.
struct Half {
  IpAddress first;
  int bits = 0;
  const Interface& end;

  std::string to_string() const { return first.to_string() + "/" + std::to_string(bits); }
};

IpAddress after(const IpAddress& address, std::uint32_t steps) {
  const auto bytes = address.v4_bytes();
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return IpAddress::v4(number + steps);
}

/// The steering address may lie in the half, and is no question for routes.
Result<void> check_route(const Half& half, const IpAddress& steering_address) {
  auto hops = NextHops::open();
  if (!hops) return hops.error();
  const auto way = hops->way_to(half.first == steering_address ? after(half.first, 1) : half.first);
  if (!way) return way.error();
  if (way->kind == Way::Kind::kUnicast && way->interface == half.end.index) return {};
  return error(Errc::kExists, "the network " + half.to_string() + " has a route by another interface");
}

Result<void> add_route(NetlinkSocket& socket, const Half& half, const IpAddress& steering_address) {
  NetlinkRequest request{RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
                         rtmsg{.rtm_family = AF_INET,
                               .rtm_dst_len = static_cast<std::uint8_t>(half.bits),
                               .rtm_table = RT_TABLE_MAIN,
                               .rtm_protocol = RTPROT_STATIC,
                               .rtm_scope = RT_SCOPE_LINK,
                               .rtm_type = RTN_UNICAST}};
  request.put_address(RTA_DST, half.first);
  request.put_u32(RTA_OIF, half.end.index);
  auto done = socket.ask(request);
  if (done || done.error().code == errc::file_exists) return check_route(half, steering_address);
  return std::move(done).error().within("cannot route " + half.to_string() + " to " + half.end.name);
}

Result<SteeringDevice> set_up(NetlinkSocket& socket, const VethPair& pair,
                              const SteeringDeviceOptions& options) {
  const Mac mac = pair.near.mac;
  if (auto done = set_up_end(socket, pair.near, options.mtu, mac, false); !done) return done.error();
  if (auto done = set_up_end(socket, pair.far, options.mtu, mac, true); !done) return done.error();
  if (auto done = add_address(socket, options.steering_address); !done) return done.error();
  const int bits = options.network_bits + 1;
  const Half halves[] = {{options.network, bits, pair.near},
                         {after(options.network, 1U << (32 - bits)), bits, pair.far}};
  for (const Half& half : halves) {
    if (auto done = add_route(socket, half, options.steering_address); !done) return done.error();
  }
  auto filter = read_sysctl_number("net/ipv4/conf/all/rp_filter");
  if (!filter) return filter.error();
  return SteeringDevice{.near_index = pair.near.index,
                        .far_index = pair.far.index,
                        .mac = mac,
                        .joins_bursts = join_bursts(pair.near),
                        .rp_filter = static_cast<int>(*filter)};
}

Result<VethPair> make_pair(NetlinkSocket& socket, const SteeringDeviceOptions& options) {
  if (auto made = make_veth_pair(socket, options.near, options.far); !made) return made.error();
  auto pair = find_veth_pair(options.near, options.far);
  if (!pair) return pair.error();
  if (!*pair)
    return error(Errc::kUnavailable, "interface " + options.near + " was removed while it was made");
  return **pair;
}

Result<SteeringDevice> make(NetlinkSocket& socket, const SteeringDeviceOptions& options) {
  auto pair = make_pair(socket, options);
  if (!pair) return pair.error();
  auto device = set_up(socket, *pair, options);
  if (!device) remove_steering_device(options);  // the first error is the one to tell
  return device;
}

Result<SteeringDevice> open_checked(const SteeringDeviceOptions& options) {
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  auto pair = find_veth_pair(options.near, options.far);
  if (!pair) return pair.error();
  if (!*pair) return make(*socket, options);
  auto device = set_up(*socket, **pair, options);
  if (device) device->adopted = true;
  return device;
}

}  // namespace

Result<SteeringDevice> open_steering_device(const SteeringDeviceOptions& options) {
  if (auto sound = check(options); !sound) return std::move(sound).error().within("steering device");
  auto device = open_checked(options);
  if (!device) return std::move(device).error().within("steering device");
  return device;
}

Result<void> remove_steering_device(const SteeringDeviceOptions& options) {
  if (auto sound = check(options); !sound) return std::move(sound).error().within("steering device");
  auto socket = NetlinkSocket::open();
  if (!socket) return socket.error();
  if (auto done = remove_address(*socket, options.steering_address); !done) return done;
  auto pair = find_veth_pair(options.near, options.far);
  if (!pair) return std::move(pair).error().within("steering device");
  return *pair ? remove_veth_pair(*socket, **pair) : Result<void>{};
}

}  // namespace penstock
