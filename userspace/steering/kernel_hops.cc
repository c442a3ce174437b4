#include "steering/kernel_hops.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace penstock {
namespace {

constexpr std::uint32_t kLongestPacket = UINT16_MAX;

}  // namespace

KernelHops::KernelHops(NextHops lookups, const Map& map, std::vector<OuterInterface> interfaces,
                       std::uint32_t first, std::uint32_t count)
    : lookups_{std::move(lookups)},
      map_{map},
      interfaces_{std::move(interfaces)},
      count_{count / 2},
      first_{is_free(map, first, count_) ? first : first + count_},
      other_{first_ == first ? first + count_ : first} {}

bool KernelHops::is_free(const Map& map, std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t index = first; index < first + count; ++index) {
    const auto hop = map.lookup(index);
    if (hop && *hop && (*hop)->valid != 0) return false;
  }
  return true;
}

void KernelHops::forget_before() {
  for (std::uint32_t i = 0; i < count_; ++i) static_cast<void>(map_.update(other_ + i, pst_next_hop{}));
}

KernelHops::Hop KernelHops::to(const IpAddress& destination) {
  const auto known = ways_.find(destination);
  if (known != ways_.end()) return known->second;
  if (ways_.size() >= kCachedWays) ways_.clear();
  return ways_[destination] = look_up(destination);
}

KernelHops::Hop KernelHops::look_up(const IpAddress& destination) {
  const auto way = lookups_.way_to(destination);
  if (!way || way->kind == Way::Kind::kOther) return {};
  Hop hop{.local = way->kind == Way::Kind::kLocal,
          .reachable = true,
          .source = way->source,
          .mtu = std::min(way->mtu, kLongestPacket)};
  if (hop.local) {
    hop.index = destination.is_v4() ? kLocal : std::uint16_t{0};
  } else {
    hop.index = entry_for({.interface = way->interface, .address = way->neighbour}, hop.mtu);
  }
  return hop;
}

/// 0 when the interface is none of ours, or all elements are in use.
std::uint16_t KernelHops::entry_for(const Neighbour& neighbour, std::uint32_t mtu) {
  const auto interface =
      std::find_if(interfaces_.begin(), interfaces_.end(),
                   [&](const OuterInterface& each) { return each.index == neighbour.interface; });
  if (interface == interfaces_.end()) return 0;
  if (interface->way == PST_HOP_BARE && neighbour.address != IpAddress{})
    return entry_for({.interface = neighbour.interface, .address = {}}, mtu);  // one for all beyond
  const auto known = index_of_.find(neighbour);
  if (known != index_of_.end()) return known->second;
  const auto place = free_place();
  if (!place) return 0;
  const auto index = static_cast<std::uint16_t>(first_ + *place);
  entries_[*place] = {.neighbour = neighbour, .interface = *interface, .mac = {}, .mtu = mtu};
  index_of_[neighbour] = index;
  resolve(index, *entries_[*place]);
  return index;
}

std::optional<std::size_t> KernelHops::free_place() {
  if (index_of_.size() == entries_.size()) {
    if (entries_.size() >= count_) return std::nullopt;
    entries_.emplace_back();
    return entries_.size() - 1;
  }
  const auto free = std::find(entries_.begin(), entries_.end(), std::nullopt);
  return static_cast<std::size_t>(free - entries_.begin());
}

void KernelHops::keep_only(const std::vector<bool>& used) {
  const std::size_t before = index_of_.size();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(first_ + i);
    if (!entries_[i] || used[index]) continue;
    static_cast<void>(map_.update(index, pst_next_hop{}));
    index_of_.erase(entries_[i]->neighbour);
    entries_[i].reset();
  }
  if (index_of_.size() == before) return;
  ways_.clear();
  ++epoch_;
}

/// Needs no neighbour.
void KernelHops::write_bare(std::uint16_t index, const Entry& entry) {
  static_cast<void>(map_.update(index, {.valid = 1,
                                        .way = PST_HOP_BARE,
                                        .device = entry.interface.device,
                                        .mtu = static_cast<__u16>(entry.mtu)}));
}

void KernelHops::resolve(std::uint16_t index, Entry& entry) {
  if (entry.interface.way == PST_HOP_BARE) return write_bare(index, entry);
  const auto found = lookups_.neighbour(entry.neighbour.interface, entry.neighbour.address);
  const std::optional<Mac> mac = found ? *found : std::nullopt;
  if (mac == entry.mac) return;
  entry.mac = mac;
  pst_next_hop hop{};
  static_cast<void>(map_.update(index, hop));
  if (!mac) return;
  hop = {.valid = 0,
         .way = static_cast<__u16>(entry.interface.way),
         .device = entry.interface.device,
         .vlan = htons(entry.interface.vlan),
         .mtu = static_cast<__u16>(entry.mtu)};
  std::memcpy(hop.to, mac->bytes.data(), sizeof hop.to);
  std::memcpy(hop.from, entry.interface.mac.bytes.data(), sizeof hop.from);
  static_cast<void>(map_.update(index, hop));
  hop.valid = 1;
  if (!map_.update(index, hop)) entry.mac.reset();
}

bool KernelHops::usable(std::uint16_t index) const {
  if (index == kLocal) return true;
  if (index < first_ || index >= first_ + entries_.size()) return false;
  const std::optional<Entry>& entry = entries_[index - first_];
  return entry && entry->mac.has_value();
}

void KernelHops::refresh(bool routes) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i]) resolve(static_cast<std::uint16_t>(first_ + i), *entries_[i]);
  }
  if (!routes) return;
  ways_.clear();
  ++epoch_;
}

void KernelHops::keep_alive() {
  for (const std::optional<Entry>& entry : entries_) {
    if (!entry || entry->interface.way == PST_HOP_BARE) continue;
    static_cast<void>(lookups_.use_neighbour(entry->neighbour.interface, entry->neighbour.address));
  }
}

}  // namespace penstock
