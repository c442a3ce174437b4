#include "steering/guard_maps.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>

#include "steering/abi_values.h"

namespace penstock {
namespace {

constexpr std::uint32_t kOnly = 0;          // index of the one element
constexpr std::size_t kRulesAtOnce = 4096;  // rules for one system call: some ten milliseconds

pst_prefix key_of(const AddressPrefix& prefix) {
  return {.length = static_cast<std::uint32_t>(prefix.mapped_bits()), .address = to_abi(prefix.address)};
}

pst_guard_rule rule_of(bool block) {
  return {.action = block ? PST_GUARD_BLOCK : PST_GUARD_ALLOW};
}

AddressPrefix prefix_of(const pst_prefix& key) {
  const IpAddress address = from_abi(key.address);
  const int bits = static_cast<int>(key.length);
  return {address, address.is_v4() ? bits - 96 : bits};
}

pst_rate kernel_rate(const GuardRate& rate) {
  return {.per_second = rate.per_second, .burst = rate.burst == 0 ? rate.per_second : rate.burst};
}

GuardRate rate_of(const pst_rate& rate) {
  return {.per_second = rate.per_second, .burst = rate.burst};
}

Error lacking(const char* map) {
  return error(Errc::kNotFound, "BPF map " + std::string{map} + " has no element");
}

bool holds(const AddressPrefix& outer, const AddressPrefix& inner) {
  return outer.mapped_bits() <= inner.mapped_bits() && outer.contains(inner.address);
}

}  // namespace

GuardMaps::GuardMaps(List list, Guard guard, const Settings& settings)
    : list_{std::move(list)}, guard_{std::move(guard)}, settings_{settings} {}

// ---------------------------------------------------------------------------------------------- limits

Result<void> GuardMaps::set_limits(const GuardLimits& limits) {
  auto guard = guard_.lookup(kOnly);
  if (!guard) return guard.error();
  if (!*guard) return lacking("pst_guard");
  pst_guard changed = **guard;  // the programs' bucket stays as it was a moment ago
  changed.source = kernel_rate(limits.source);
  changed.service = kernel_rate(limits.service);
  changed.new_source = kernel_rate(limits.new_source);
  changed.new_total = kernel_rate(limits.new_total);
  changed.prefix_v4 = static_cast<std::uint32_t>(limits.prefix_v4);
  changed.prefix_v6 = static_cast<std::uint32_t>(limits.prefix_v6);
  if (auto done = guard_.update(kOnly, changed); !done) return done;
  if (auto done = learn(); !done) return done;
  return tell_programs();
}

Result<GuardLimits> GuardMaps::limits() const {
  const auto guard = guard_.lookup(kOnly);
  if (!guard) return guard.error();
  if (!*guard) return lacking("pst_guard");
  return GuardLimits{.source = rate_of((*guard)->source),
                     .service = rate_of((*guard)->service),
                     .new_source = rate_of((*guard)->new_source),
                     .new_total = rate_of((*guard)->new_total),
                     .prefix_v4 = static_cast<int>((*guard)->prefix_v4),
                     .prefix_v6 = static_cast<int>((*guard)->prefix_v6)};
}

// ---------------------------------------------------------------------------------------------- list

/// Fills the copy from the map, once, and again after a write whose outcome is not known.
Result<void> GuardMaps::learn() {
  if (learned_) return {};
  const auto keys = list_.keys(list_.raw().capacity());
  if (!keys) return keys.error();
  known_.clear();
  for (const pst_prefix& key : *keys) {
    const auto rule = list_.lookup(key);  // the longest match of a whole key is its own
    if (!rule) return rule.error();
    if (*rule) known_.insert_or_assign(prefix_of(key), (*rule)->action == PST_GUARD_BLOCK);
  }
  learned_ = true;
  return {};
}

Result<void> GuardMaps::set(const GuardRule& rule) {
  return set_all({rule});
}

Result<void> GuardMaps::check_room(const std::vector<GuardRule>& rules) const {
  std::set<AddressPrefix> added;
  for (const GuardRule& rule : rules) {
    if (!known_.contains(rule.prefix)) added.insert(rule.prefix);
  }
  if (known_.size() + added.size() <= most_rules()) return {};
  return error(Errc::kLimit, "the guard's list has " + std::to_string(known_.size()) + " rules and takes " +
                                 std::to_string(most_rules()) + " at most: block shorter prefixes instead");
}

Result<void> GuardMaps::set_all(const std::vector<GuardRule>& rules) {
  if (auto done = learn(); !done) return done;
  if (auto room = check_room(rules); !room) return room;
  std::vector<pst_prefix> keys;
  std::vector<pst_guard_rule> actions;
  for (const GuardRule& rule : rules) {
    keys.push_back(key_of(rule.prefix));
    actions.push_back(rule_of(rule.block));
  }
  for (std::size_t at = 0; at < keys.size(); at += kRulesAtOnce) {
    const std::size_t count = std::min(kRulesAtOnce, keys.size() - at);
    auto done = list_.update_batch(std::span{keys}.subspan(at, count), std::span{actions}.subspan(at, count));
    if (!done) {
      learned_ = false;  // how many it took is not told
      return done;
    }
  }
  for (const GuardRule& rule : rules) known_.insert_or_assign(rule.prefix, rule.block);
  return tell_programs();
}

Result<bool> GuardMaps::erase(const AddressPrefix& prefix) {
  if (auto done = learn(); !done) return done.error();
  auto erased = list_.erase(key_of(prefix));
  if (!erased) return erased;
  known_.erase(prefix);
  if (auto done = tell_programs(); !done) return done.error();
  return *erased;
}

Result<std::vector<GuardRule>> GuardMaps::rules(std::size_t most, std::optional<AddressPrefix> within) {
  if (auto done = learn(); !done) return done.error();
  std::vector<GuardRule> out;
  for (const auto& [prefix, block] : known_) {
    if (out.size() >= most) break;
    if (!within || holds(*within, prefix) || holds(prefix, *within)) out.push_back({prefix, block});
  }
  return out;
}

Result<std::size_t> GuardMaps::size() {
  if (auto done = learn(); !done) return done.error();
  return known_.size();
}

/// Has the programs look at the list, or spare themselves that.
Result<void> GuardMaps::tell_programs() {
  auto settings = settings_.lookup(kOnly);
  if (!settings) return settings.error();
  if (!*settings) return lacking("pst_settings");
  const std::uint16_t wanted = known_.empty() ? 0 : 1;
  if ((*settings)->guard_list == wanted) return {};
  (*settings)->guard_list = wanted;
  return settings_.update(kOnly, **settings);
}

}  // namespace penstock
