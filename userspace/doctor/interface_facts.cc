// The host's interfaces, as far as steering by kernel programs depends on them.
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/file_descriptor.h"
#include "bpf/bpf_trial.h"
#include "bpf/xdp_dispatcher.h"
#include "config/node_pins.h"
#include "doctor/examination.h"
#include "doctor/kernel_setting.h"
#include "host/interface.h"

namespace penstock::doctor {
namespace {

/// The name of the module behind the interface; its kind where there is no hardware.
std::string driver_of(const Interface& interface) {
  std::error_code failed;
  const auto link =
      std::filesystem::read_symlink("/sys/class/net/" + interface.name + "/device/driver", failed);
  return failed ? interface.kind : link.filename().string();
}

/// Flags of the older form of ethtool, which has all that matters here; 0 where the device has none.
std::uint32_t offloads_of(const std::string& name) {
  const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ethtool_value value{.cmd = ETHTOOL_GFLAGS, .data = 0};
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  return socket && ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0 ? value.data : 0;
}

std::optional<std::int64_t> rp_filter_of(const std::string& name) {
  const auto of_all = kernel_number("net/ipv4/conf/all/rp_filter");
  const auto own = kernel_number("net/ipv4/conf/" + name + "/rp_filter");
  if (!of_all || !own) return std::nullopt;
  return std::max(*of_all, *own);
}

/// Whether the interface is held by a link that is pinned in the node's folder, which has one for each
/// version, or an entry of the node is in its dispatcher.
bool is_held_by_us(const Config& config, std::uint32_t interface) {
  std::error_code failed;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{node_pins(config), failed}) {
    if (is_xdp_link(entry.path().string(), interface)) return true;
  }
  return is_in_dispatcher(node_pins(config), interface);
}

/// Untried where there is no dispatcher, or no right to look.
Trial dispatcher_on(std::uint32_t interface) {
  if (::geteuid() != 0) return {};
  const auto tried = try_dispatcher(interface);
  if (tried) return Trial::good();
  const bool none = tried.error().code == Errc::kExists || tried.error().code == Errc::kNotFound;
  return none ? Trial{} : Trial::failed(tried.error().what);
}

void try_on(std::uint32_t index, InterfaceFacts& facts) {
  const auto tried = [&](XdpMode mode) {
    const auto done = try_xdp(index, mode);
    return done ? Trial::good() : Trial::failed(done.error().what);
  };
  facts.native = tried(XdpMode::kNative);
  facts.generic = tried(XdpMode::kGeneric);
}

InterfaceFacts facts_of(const Interface& interface, const std::vector<Interface>& all,
                        const Examination& wanted) {
  const std::uint32_t offloads = offloads_of(interface.name);
  InterfaceFacts facts{
      .name = interface.name,
      .up = interface.up,
      .bare = interface.bare,
      .driver = driver_of(interface),
      .mtu = interface.mtu,
      .xdp_program = interface.xdp_program,
      .xdp_is_ours = interface.xdp_program != 0 && is_held_by_us(wanted.config, interface.index),
      .dispatcher = interface.xdp_program != 0 ? dispatcher_on(interface.index) : Trial{},
      .vlans = {},
      .strips_vlan_tags = (offloads & ETH_FLAG_RXVLAN) != 0,
      .joins_received = (offloads & ETH_FLAG_LRO) != 0,
      .rp_filter = rp_filter_of(interface.name),
      .native = {},
      .generic = {}};
  for (const Interface& other : all) {
    if (other.vlan != 0 && other.parent == interface.index) facts.vlans.push_back(other.name);
  }
  if (wanted.try_interfaces && interface.xdp_program == 0 && !interface.bare) try_on(interface.index, facts);
  return facts;
}

}  // namespace

std::vector<InterfaceFacts> look_at_interfaces(const Examination& wanted) {
  const SteeringConfig& steering = wanted.config.steering;
  std::vector<InterfaceFacts> out;
  const auto all = interfaces();
  if (!all) return out;
  for (const Interface& one : *all) {
    if (steering.interfaces.empty() && is_outer(one, steering.device))
      out.push_back(facts_of(one, *all, wanted));
  }
  for (const std::string& name : steering.interfaces) {
    const auto at =
        std::find_if(all->begin(), all->end(), [&](const Interface& one) { return one.name == name; });
    if (at == all->end()) {
      out.push_back({.name = name, .present = false});
    } else {
      out.push_back(facts_of(*at, *all, wanted));
    }
  }
  return out;
}

}  // namespace penstock::doctor
