#include "steering/outer_interfaces.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "bpf/xdp_dispatcher.h"
#include "host/sysctl.h"
#include "steering/outer_filters.h"

namespace penstock {
namespace {

std::vector<OuterInterface> with_vlans(const std::vector<Interface>& all,
                                       const std::vector<Interface>& chosen) {
  std::vector<OuterInterface> out;
  for (const Interface& interface : all) {
    const auto carries = [&](const Interface& one) {
      return interface.index == one.index || (interface.vlan != 0 && interface.parent == one.index);
    };
    if (!std::any_of(chosen.begin(), chosen.end(), carries)) continue;
    const bool tagged = interface.vlan != 0;
    out.push_back({.index = interface.index,
                   .device = tagged ? interface.parent : interface.index,
                   .vlan = interface.vlan,
                   .mac = interface.mac});
  }
  return out;
}

/// An interface that is taken: by libxdp's dispatcher, perhaps.
Result<SteeredInterface> join(const Interface& interface, int program, const std::string& pin) {
  const auto mode =
      join_dispatcher(std::filesystem::path{pin}.parent_path().string(), program, interface.index);
  if (!mode) return mode.error();
  return SteeredInterface{.name = interface.name, .mode = *mode, .in_dispatcher = true};
}

const SteeredInterface* find_attached(const std::vector<SteeredInterface>& attached, const Interface& one) {
  const auto found =
      std::find_if(attached.begin(), attached.end(), [&](const auto& each) { return each.name == one.name; });
  return found == attached.end() ? nullptr : &*found;
}

/// Only where another's program is on the interface in generic mode need XDP not reach it.
pst_hop_way way_by(const Interface& interface) {
  if (interface.bare) return PST_HOP_BARE;
  return interface.xdp_mode == Interface::XdpMode::kGeneric ? PST_HOP_BY_TC : PST_HOP_FRAME;
}

}  // namespace

std::string mode_name(const SteeredInterface& interface) {
  if (interface.by_tc) return "tc";
  if (!interface.in_dispatcher) return std::string{to_string(interface.mode)};
  return interface.mode == XdpMode::kGeneric ? "generic dispatcher" : "dispatcher";
}

Result<OuterInterfaces> choose_outer_interfaces(const std::vector<std::string>& names,
                                                const std::string& steering_device) {
  const auto all = interfaces();
  if (!all) return all.error();
  OuterInterfaces out;
  for (const std::string& name : names) {
    const auto found =
        std::find_if(all->begin(), all->end(), [&](const auto& each) { return each.name == name; });
    if (found == all->end()) return error(Errc::kNotFound, "steering.interfaces: this host has no " + name);
    out.to_attach.push_back(*found);
  }
  if (names.empty()) {
    std::copy_if(all->begin(), all->end(), std::back_inserter(out.to_attach),
                 [&](const Interface& each) { return is_outer(each, steering_device); });
  }
  out.to_leave_by = with_vlans(*all, out.to_attach);
  return out;
}

Result<SteeredInterface> attach_outer(const Interface& interface, int program, const std::string& pin) {
  if (interface.bare) return error(Errc::kUnavailable, "XDP programs read Ethernet, which it has not");
  const auto check = effective_rp_filter(interface.name);
  if (check && *check == 1) {
    return error(Errc::kRefused,
                 "its strict rp_filter would drop what the program hands on: sysctl net.ipv4.conf." +
                     interface.name + ".rp_filter=2");
  }
  auto done = attach_xdp(pin, program, interface.index, XdpMode::kNative);
  if (done) return SteeredInterface{.name = interface.name, .mode = XdpMode::kNative};
  if (done.error().code == Errc::kExists) return join(interface, program, pin);
  done = attach_xdp(pin, program, interface.index, XdpMode::kGeneric);
  if (!done) return done.error();
  return SteeredInterface{.name = interface.name, .mode = XdpMode::kGeneric};
}

Result<SteeredInterface> filter_outer(const Interface& interface, const OuterFilters& filters,
                                      const std::string& folder) {
  const auto done = put_filter(folder, interface.bare ? filters.bare : filters.ethernet, interface.index);
  if (!done) return done.error();
  const bool generic = interface.xdp_mode == Interface::XdpMode::kGeneric;
  return SteeredInterface{
      .name = interface.name, .mode = generic ? XdpMode::kGeneric : XdpMode::kNative, .by_tc = true};
}

Result<void> connect_outer(OuterInterfaces& outer, const std::vector<SteeredInterface>& attached,
                           const OuterFilters& filters, const std::string& folder) {
  std::vector<std::uint32_t> filtered;
  std::vector<std::uint32_t> by_xdp;
  for (const Interface& interface : outer.to_attach) {
    const SteeredInterface* const found = find_attached(attached, interface);
    if (found == nullptr) continue;
    (found->by_tc ? filtered : by_xdp).push_back(interface.index);
    for (OuterInterface& way : outer.to_leave_by) {
      if (found->by_tc && way.device == interface.index) way.way = way_by(interface);
    }
  }
  const auto needs_tc = [](const OuterInterface& way) { return way.way != PST_HOP_FRAME; };
  const bool leave =
      filters.leave != 0 && std::any_of(outer.to_leave_by.begin(), outer.to_leave_by.end(), needs_tc);
  Result<void> done;
  for (std::size_t i = 0; i < by_xdp.size() && leave && done; ++i)
    done = put_filter(folder, filters.leave, by_xdp[i]);
  if (leave && done) {
    filtered.insert(filtered.end(), by_xdp.begin(), by_xdp.end());
  } else if (!done) {
    std::erase_if(outer.to_leave_by, needs_tc);
  }
  auto removed = remove_filters(folder, filtered);
  return done ? removed : done;
}

}  // namespace penstock
