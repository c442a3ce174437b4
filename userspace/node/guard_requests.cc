#include "node/guard_requests.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/body.h"
#include "base/text.h"

namespace penstock {
namespace {

namespace json = boost::json;

constexpr std::size_t kRulesShown = 100;
constexpr std::size_t kMostRulesShown = 1 << 20;
constexpr std::size_t kRulesTold = 20;        // of a change, by its event
constexpr std::size_t kMostChanges = 20'000;  // of one request: some fifty milliseconds of the control loop
constexpr std::array kGuardReasons{PST_R_BLOCKED, PST_R_RATE_SOURCE, PST_R_RATE_SERVICE,
                                   PST_R_RATE_NEW_SOURCE, PST_R_RATE_NEW_TOTAL};

json::object rate_json(const GuardRate& rate) {
  return {{"per_second", rate.per_second}, {"burst", rate.burst}};
}

json::object limits_json(const GuardLimits& limits) {
  return {{"source", rate_json(limits.source)},         {"service", rate_json(limits.service)},
          {"new_source", rate_json(limits.new_source)}, {"new_total", rate_json(limits.new_total)},
          {"source_prefix_v4", limits.prefix_v4},       {"source_prefix_v6", limits.prefix_v6}};
}

Result<json::object> dropped_json(const PacketCounts& counts) {
  json::object out;
  for (const Reason reason : kGuardReasons) {
    const auto on_xdp = counts.of(PST_PROGRAM_EDGE, reason);
    const auto on_tc = counts.of(PST_PROGRAM_EDGE_TC, reason);
    if (!on_xdp || !on_tc) return on_xdp ? on_tc.error() : on_xdp.error();
    out[label_of(reason)] =
        json::object{{"packets", on_xdp->packets + on_tc->packets}, {"bytes", on_xdp->bytes + on_tc->bytes}};
  }
  return out;
}

Result<std::optional<AddressPrefix>> within_of(const AdminRequest& request) {
  const std::string* const text = request.query("within");
  if (text == nullptr) return std::optional<AddressPrefix>{};
  const auto prefix = AddressPrefix::parse(*text);
  if (!prefix) return Error{prefix.error()}.within("within");
  return std::optional{*prefix};
}

// ---------------------------------------------------------------------------------------------- changes

struct Change {
  enum class Action { kBlock, kAllow, kRemove };
  Action action;
  AddressPrefix prefix;
};

/// In the order of the actions.
constexpr std::array<std::string_view, 3> kActionWords{"block", "allow", "remove"};

Result<Change> change_of(const json::value& value) {
  const auto* const string = value.if_string();
  if (string == nullptr) return error(Errc::kInvalid, "\"rules\" must be a list of strings");
  const std::string_view text{string->data(), string->size()};
  const auto space = text.find(' ');
  const auto* const word = std::find(kActionWords.begin(), kActionWords.end(), text.substr(0, space));
  if (space == std::string_view::npos || word == kActionWords.end()) {
    return error(Errc::kInvalid,
                 "\"" + printable(text, 64) + "\" is no rule: write block, allow or remove, and a prefix");
  }
  const auto prefix = AddressPrefix::parse(text.substr(space + 1));
  if (!prefix) return prefix.error();
  return Change{static_cast<Change::Action>(word - kActionWords.begin()), *prefix};
}

Result<std::vector<Change>> changes_of(const AdminRequest& request) {
  const auto body = parse_body(request, {"rules"});
  if (!body) return body.error();
  const auto* const value = body->if_contains("rules");
  const auto* const list = value == nullptr ? nullptr : value->if_array();
  if (list == nullptr) return error(Errc::kInvalid, "\"rules\" must be a list of strings");
  if (list->size() > kMostChanges) {
    return error(Errc::kInvalid,
                 "\"rules\" has more than " + std::to_string(kMostChanges) + " elements: send them in parts");
  }
  std::vector<Change> changes;
  for (const json::value& one : *list) {
    auto change = change_of(one);
    if (!change) return change.error();
    changes.push_back(*change);
  }
  return changes;
}

json::array first_rules(const std::vector<Change>& changes) {
  json::array out;
  for (const Change& change : changes) {
    if (out.size() == kRulesTold) break;
    const auto word = kActionWords[static_cast<std::size_t>(change.action)];
    out.emplace_back(std::string{word}.append(" ").append(change.prefix.to_string()));
  }
  return out;
}

/// Applies changes one after another, those that set a rule as many at once as stand in a row.
class Applying {
 public:
  explicit Applying(GuardMaps& guard) : guard_{guard} {}

  Result<void> apply(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      if (change.action == Change::Action::kRemove) {
        if (auto done = remove(change.prefix); !done) return done;
      } else {
        waiting_.push_back({change.prefix, change.action == Change::Action::kBlock});
      }
    }
    return set_waiting();
  }

  bool changed() const { return blocked_ + allowed_ + removed_ > 0; }
  Result<json::object> answer() {
    const auto total = guard_.size();
    if (!total) return total.error();
    return json::object{{"blocked", blocked_},
                        {"allowed", allowed_},
                        {"removed", removed_},
                        {"absent", absent_},
                        {"total", *total}};
  }

 private:
  Result<void> remove(const AddressPrefix& prefix) {
    if (auto done = set_waiting(); !done) return done;
    const auto erased = guard_.erase(prefix);
    if (!erased) return erased.error();
    ++(*erased ? removed_ : absent_);
    return {};
  }

  Result<void> set_waiting() {
    if (waiting_.empty()) return {};
    if (auto done = guard_.set_all(waiting_); !done) return done;
    for (const GuardRule& rule : waiting_) ++(rule.block ? blocked_ : allowed_);
    waiting_.clear();
    return {};
  }

  GuardMaps& guard_;
  std::vector<GuardRule> waiting_;
  std::size_t blocked_ = 0;
  std::size_t allowed_ = 0;
  std::size_t removed_ = 0;
  std::size_t absent_ = 0;
};

}  // namespace

GuardLimits guard_limits(const Config& config) {
  const GuardConfig& guard = config.guard;
  return {.source = {guard.source_rate, guard.source_burst},
          .service = {guard.service_rate, guard.service_burst},
          .new_source = {guard.new_source_rate, guard.new_source_burst},
          .new_total = {guard.new_total_rate, guard.new_total_burst},
          .prefix_v4 = config.limits.source_prefix_v4,
          .prefix_v6 = config.limits.source_prefix_v6};
}

Result<json::object> guard_json(GuardMaps& guard, const PacketCounts& counts, const AdminRequest& request) {
  const auto most = query_number(request, "limit", kRulesShown, kMostRulesShown);
  if (!most) return most.error();
  const auto within = within_of(request);
  if (!within) return within.error();
  const auto rules = guard.rules(*within ? guard.most_rules() : *most, *within);
  if (!rules) return rules.error();
  const auto size = guard.size();
  if (!size) return size.error();
  const auto limits = guard.limits();
  if (!limits) return limits.error();
  auto dropped = dropped_json(counts);
  if (!dropped) return dropped.error();
  json::array rows;
  for (const GuardRule& rule : *rules) {
    if (rows.size() == *most) break;
    rows.push_back(
        json::object{{"prefix", rule.prefix.to_string()}, {"action", rule.block ? "block" : "allow"}});
  }
  return json::object{{"rules", std::move(rows)},
                      {"total", *within ? rules->size() : *size},
                      {"most", guard.most_rules()},
                      {"limits", limits_json(*limits)},
                      {"dropped", std::move(*dropped)}};
}

Result<json::object> change_guard(GuardMaps& guard, const AdminRequest& request, Journal& journal) {
  const auto changes = changes_of(request);
  if (!changes) return changes.error();
  Applying applying{guard};
  const auto done = applying.apply(*changes);
  auto changed = applying.answer();
  if (changed && applying.changed()) {
    json::object fields = *changed;
    fields["rules"] = first_rules(*changes);
    journal.event("guard_changed", std::move(fields));
  }
  if (!done) return done.error();
  return changed;
}

Result<json::object> packets_json(const PacketCounts& counts) {
  const auto rows = counts.rows();
  if (!rows) return rows.error();
  json::array out;
  for (const PacketCounts::Row& row : *rows) {
    out.push_back(json::object{{"program", PacketCounts::name_of(row.program)},
                               {"reason", label_of(row.reason)},
                               {"packets", row.count.packets},
                               {"bytes", row.count.bytes}});
  }
  return json::object{{"packets", std::move(out)}};
}

}  // namespace penstock
