// What the guard in front of public UDP ports blocks, allows and limits, in the maps that its program reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/address_prefix.h"
#include "base/error.h"
#include "bpf/bpf_map.h"
#include "penstock/abi/settings.h"

namespace penstock {

struct GuardRule {
  AddressPrefix prefix;
  bool block = true;  // else: allowed, an exception to a shorter prefix that is blocked
  bool operator==(const GuardRule&) const = default;
};

/// Datagrams in a second.
struct GuardRate {
  std::uint32_t per_second = 0;  // 0: no limit
  std::uint32_t burst = 0;       // how many at once; 0: a second's worth
  bool operator==(const GuardRate&) const = default;
};

struct GuardLimits {
  GuardRate source;      // of one source prefix
  GuardRate service;     // to one service
  GuardRate new_source;  // that belong to no session, of one source prefix
  GuardRate new_total;   // ... of all sources
  int prefix_v4 = 32;
  int prefix_v6 = 64;
  bool operator==(const GuardLimits&) const = default;
};

/// Used on the control loop's thread. What is set stays in force when the process ends, and is taken over by
/// the next; from then on nobody else may write the list. Keeps a copy of the list, some hundred bytes a
/// rule, since the kernel's finds the longest match alone.
class GuardMaps {
 public:
  using List = BpfMap<pst_prefix, pst_guard_rule>;
  using Guard = BpfMap<std::uint32_t, pst_guard>;
  using Settings = BpfMap<std::uint32_t, pst_settings>;

  GuardMaps(List list, Guard guard, const Settings& settings);

  /// Also has the programs look at the list if there are rules, whatever pst_settings said before.
  Result<void> set_limits(const GuardLimits& limits);
  /// Those in force: no burst is 0 where there is a rate.
  Result<GuardLimits> limits() const;
  /// Adds or changes a rule.
  Result<void> set(const GuardRule& rule);
  /// Many at once; of two for one prefix the later counts. Errc::kLimit, and nothing is changed, when there
  /// would be more than most_rules(). After any other error a part of them is set.
  Result<void> set_all(const std::vector<GuardRule>& rules);
  /// False: there was none.
  Result<bool> erase(const AddressPrefix& prefix);
  /// In the order of addresses, IPv4 beside the IPv6 addresses that map it; `most` at most. With `within`:
  /// those that lie in it, and those that it lies in.
  Result<std::vector<GuardRule>> rules(std::size_t most, std::optional<AddressPrefix> within = std::nullopt);
  Result<std::size_t> size();
  std::uint32_t most_rules() const { return list_.raw().capacity(); }

 private:
  Result<void> learn();
  Result<void> check_room(const std::vector<GuardRule>& rules) const;
  Result<void> tell_programs();

  List list_;
  Guard guard_;
  const Settings& settings_;
  std::map<AddressPrefix, bool> known_;  // whether it blocks
  bool learned_ = false;
};

}  // namespace penstock
