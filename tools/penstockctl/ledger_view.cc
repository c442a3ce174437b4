// The ledger: the books, the reasons of drops, and whether they balance.
#include "penstockctl/field.h"
#include "penstockctl/quantity.h"
#include "penstockctl/table.h"
#include "penstockctl/views.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

std::string books(const json::array& rows) {
  Table table{{{"SERVICE"},
               {"UNIT"},
               {"HOP"},
               {"RECEIVED", true},
               {"SENT", true},
               {"HELD", true},
               {"DROPPED", true},
               {"BYTES", true}}};
  for (const auto& value : rows) {
    const auto& row = as_object(value);
    table.add({text(row, "service"), text(row, "unit"), text(row, "hop"), text(row, "received"),
               text(row, "sent"), text(row, "held"), text(row, "dropped"),
               size_text(number(part(row, "bytes"), "received"))});
  }
  return table.empty() ? "no books: nothing came since the start\n" : table.text();
}

/// Nothing when nothing was dropped.
std::string drops(const json::array& rows) {
  Table table{{{"SERVICE"}, {"UNIT"}, {"HOP"}, {"REASON"}, {"DROPPED", true}}};
  for (const auto& value : rows) {
    const auto& row = as_object(value);
    for (const auto& reason : part(row, "reasons")) {
      table.add({text(row, "service"), text(row, "unit"), text(row, "hop"),
                 text_of(json::value(reason.key())), text_of(reason.value())});
    }
  }
  return table.empty() ? std::string{} : "\n" + table.text();
}

/// What edges say beside what the hub counted; nothing at a node without edges.
std::string between_nodes(const json::array& rows) {
  Table table{{{"EDGE"},
               {"UNIT"},
               {"DIRECTION"},
               {"SENT", true},
               {"RECEIVED", true},
               {"MISSING", true},
               {"BYTES MISSING", true}}};
  for (const auto& value : rows) {
    const auto& row = as_object(value);
    table.add({text(row, "edge"), text(row, "unit"), text(row, "direction"), text(row, "sent"),
               text(row, "received"), text(row, "missing"), text(part(row, "bytes"), "missing")});
  }
  return table.empty() ? std::string{} : "\n" + table.text();
}

/// "5 (500 bytes)", of one column.
std::string exactly(const json::object& row, std::string_view column) {
  return std::string{column} + " " + text(row, column) + " (" + text(part(row, "bytes"), column) + " bytes)";
}

/// A sentence for each line that does not balance, with its numbers whole.
std::string faults(const json::array& rows) {
  std::string out;
  for (const auto& value : rows) {
    const auto& row = as_object(value);
    if (flag(row, "balanced")) continue;
    const std::string service = text(row, "service");
    out += (service.empty() ? "-" : service) + " " + text(row, "unit") + " " + text(row, "hop") +
           " does not balance: " + exactly(row, "received") + " is not " + exactly(row, "sent") + " + " +
           exactly(row, "held") + " + " + exactly(row, "dropped") + "\n";
  }
  return out.empty() ? "the daemon does not say that its books balance\n" : out;
}

}  // namespace

std::string view_ledger(const json::object& ledger) {
  const auto& rows = list(ledger, "rows");
  return books(rows) + drops(rows) + between_nodes(list(ledger, "between")) + "\n" +
         (flag(ledger, "balanced") ? "the books balance\n" : faults(rows));
}

}  // namespace penstock::ctl
