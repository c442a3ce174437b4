// The guard and the kernel programs' packets.
#include "penstockctl/field.h"
#include "penstockctl/quantity.h"
#include "penstockctl/table.h"
#include "penstockctl/views.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

std::string rules_text(const json::object& guard) {
  Table table{{{"PREFIX"}, {"ACTION"}}};
  const auto& rules = list(guard, "rules");
  for (const auto& value : rules)
    table.add({text(as_object(value), "prefix"), text(as_object(value), "action")});
  const auto total = number(guard, "total");
  if (total == 0) return "no rules: no source is blocked that matches\n";
  std::string out = table.empty() ? std::string{} : table.text();
  if (rules.size() < total)
    out += std::to_string(rules.size()) + " of " + std::to_string(total) + " rules; --limit N shows more\n";
  return out;
}

std::string limit_text(const json::object& limits, std::string_view key) {
  const auto& rate = part(limits, key);
  if (number(rate, "per_second") == 0) return "none";
  return text(rate, "per_second") + " datagrams a second, " + text(rate, "burst") + " at once";
}

std::string limits_text(const json::object& limits) {
  Sheet sheet;
  const std::string source = " (a source: IPv4 /" + text(limits, "source_prefix_v4") + ", IPv6 /" +
                             text(limits, "source_prefix_v6") + ")";
  sheet.add("of one source", limit_text(limits, "source") + source);
  sheet.add("to one service", limit_text(limits, "service"));
  sheet.add("new, of one source", limit_text(limits, "new_source"));
  sheet.add("new, of all sources", limit_text(limits, "new_total"));
  return sheet.text();
}

std::string dropped_text(const json::object& dropped) {
  Table table{{{"DROPPED AS"}, {"PACKETS", true}, {"BYTES", true}}};
  for (const auto& member : dropped) {
    const auto& count = as_object(member.value());
    table.add(
        {text_of(json::value(member.key())), text(count, "packets"), size_text(number(count, "bytes"))});
  }
  return table.empty() ? std::string{} : table.text();
}

}  // namespace

std::string view_guard(const json::object& guard) {
  return rules_text(guard) + "\n" + limits_text(part(guard, "limits")) + "\n" +
         dropped_text(part(guard, "dropped"));
}

std::string view_packets(const json::object& packets) {
  Table table{{{"PROGRAM"}, {"REASON"}, {"PACKETS", true}, {"BYTES", true}}};
  for (const auto& value : list(packets, "packets")) {
    const auto& row = as_object(value);
    table.add(
        {text(row, "program"), text(row, "reason"), text(row, "packets"), size_text(number(row, "bytes"))});
  }
  return table.empty() ? "no packets: the programs have seen none yet\n" : table.text();
}

}  // namespace penstock::ctl
