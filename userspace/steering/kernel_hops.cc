#include "steering/kernel_hops.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace penstock {
namespace {

constexpr std::uint32_t kLongestPacket = UINT16_MAX;
constexpr std::uint32_t kMtuStep = 32;

/// What routers say of a path is taken in steps: strangers can say it of themselves, and each MTU towards a
/// neighbour takes an element.
std::uint32_t mtu_of(const Way& way) {
  if (way.mtu_learned) return way.mtu / kMtuStep * kMtuStep;
  return std::min(way.mtu, kLongestPacket);
}

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
  std::vector<std::uint32_t> indices(count_);
  std::iota(indices.begin(), indices.end(), other_);
  static_cast<void>(map_.update_batch(indices, std::vector<pst_next_hop>(count_)));
}

KernelHops::Hop KernelHops::known_way(const IpAddress& destination, Ways& ways) {
  const auto known = ways.known.find(destination);
  if (known != ways.known.end()) return known->second;
  if (ways.known.size() >= kKnownWays) ways = {};
  return ways.known[destination] = look_up(destination).value_or(Hop{});
}

/// Nothing when the kernel could not be asked.
std::optional<KernelHops::Hop> KernelHops::look_up(const IpAddress& destination) {
  const auto way = lookups_.way_to(destination);
  if (!way) return std::nullopt;
  if (way->kind == Way::Kind::kOther) return Hop{};
  Hop hop{
      .local = way->kind == Way::Kind::kLocal, .reachable = true, .source = way->source, .mtu = mtu_of(*way)};
  if (hop.local) {
    hop.index = destination.is_v4() ? kLocal : std::uint16_t{0};
  } else {
    hop.index = entry_for({.interface = way->interface, .neighbour = way->neighbour, .mtu = hop.mtu});
  }
  return hop;
}

void KernelHops::look_again() {
  look_again(to_clients_);  // for sessions to come: no stranger makes all others ask anew
  if (look_again(to_backends_)) ++epoch_;
}

bool KernelHops::look_again(Ways& ways) {
  if (ways.turn.empty()) {
    for (const auto& [destination, hop] : ways.known) ways.turn.push_back(destination);
  }
  bool changed = false;
  for (std::size_t asked = 0; asked < kAskedAnew && !ways.turn.empty(); ++asked) {
    Hop& known = ways.known.at(ways.turn.back());
    const auto now = look_up(ways.turn.back());
    ways.turn.pop_back();
    if (!now || *now == known) continue;
    known = *now;
    changed = true;
  }
  return changed;
}

void KernelHops::forget_ways() {
  to_clients_ = {};
  to_backends_ = {};
  ++epoch_;
}

/// 0 when the interface is none of ours, or all elements are in use.
std::uint16_t KernelHops::entry_for(const Leg& leg) {
  const auto interface =
      std::find_if(interfaces_.begin(), interfaces_.end(),
                   [&](const OuterInterface& each) { return each.index == leg.interface; });
  if (interface == interfaces_.end()) return 0;
  if (interface->way == PST_HOP_BARE && leg.neighbour != IpAddress{})
    return entry_for({.interface = leg.interface, .neighbour = {}, .mtu = leg.mtu});  // one for all beyond
  const auto known = index_of_.find(leg);
  if (known != index_of_.end()) return known->second;
  const auto place = free_place();
  if (!place) return 0;
  const auto index = static_cast<std::uint16_t>(first_ + *place);
  entries_[*place] = {.leg = leg, .interface = *interface, .mac = {}};
  index_of_[leg] = index;
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
    index_of_.erase(entries_[i]->leg);
    entries_[i].reset();
  }
  if (index_of_.size() != before) forget_ways();
}

/// Needs no neighbour.
void KernelHops::write_bare(std::uint16_t index, const Entry& entry) {
  static_cast<void>(map_.update(index, {.valid = 1,
                                        .way = PST_HOP_BARE,
                                        .device = entry.interface.device,
                                        .mtu = static_cast<__u16>(entry.leg.mtu)}));
}

void KernelHops::resolve(std::uint16_t index, Entry& entry) {
  if (entry.interface.way == PST_HOP_BARE) return write_bare(index, entry);
  const auto found = lookups_.neighbour(entry.leg.interface, entry.leg.neighbour);
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
         .mtu = static_cast<__u16>(entry.leg.mtu)};
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
  if (routes) forget_ways();
}

void KernelHops::keep_alive() {
  for (const std::optional<Entry>& entry : entries_) {
    if (!entry || entry->interface.way == PST_HOP_BARE) continue;
    static_cast<void>(lookups_.use_neighbour(entry->leg.interface, entry->leg.neighbour));
  }
}

}  // namespace penstock
