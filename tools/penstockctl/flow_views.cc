// Flows and tunnels.
#include "penstockctl/field.h"
#include "penstockctl/quantity.h"
#include "penstockctl/table.h"
#include "penstockctl/views.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

Table carrier_table() {
  return Table{{{"EDGE"},
                {"INSTANCE"},
                {"CARRIER", true},
                {"STATE"},
                {"WORKER", true},
                {"PEER"},
                {"LOCAL"},
                {"CIPHER"},
                {"RTT", true},
                {"AGE", true},
                {"FLOWS", true},
                {"SENT", true},
                {"RECEIVED", true}}};
}

void add_carrier(Table& table, const json::object& tunnel, const json::object& carrier) {
  const std::string why = text(carrier, "why");
  const std::string down = why.empty() ? "down" : "down: " + why;
  const auto round_trip = number(carrier, "rtt_us");
  table.add({text(tunnel, "edge"), flag(tunnel, "legacy") ? "legacy" : text(tunnel, "instance"),
             text(carrier, "index"), flag(carrier, "up") ? "up" : down, text(carrier, "worker"),
             text(carrier, "peer"), text(carrier, "local"), text(carrier, "cipher"),
             round_trip == 0 ? "" : round_trip_text(round_trip), age_text(number(carrier, "age_s")),
             text(carrier, "flows"), size_text(number(carrier, "sent")),
             size_text(number(carrier, "received"))});
}

}  // namespace

std::string view_flows(const json::object& flows) {
  Table table{{{"FLOW"},
               {"SERVICE"},
               {"EDGE"},
               {"CLIENT"},
               {"LOCAL"},
               {"BACKEND"},
               {"STATE"},
               {"AGE", true},
               {"IDLE", true},
               {"TO BACKEND", true},
               {"TO CLIENT", true},
               {"CARRIER", true}}};
  const auto& shown = list(flows, "flows");
  for (const auto& value : shown) {
    const auto& flow = as_object(value);
    table.add({text(flow, "id"), text(flow, "service"), text(flow, "edge"), text(flow, "client"),
               text(flow, "local"), text(flow, "backend"), text(flow, "state"),
               age_text(number(flow, "age_s")), age_text(number(flow, "idle_s")),
               size_text(number(flow, "to_backend")), size_text(number(flow, "to_client")),
               text(flow, "carrier")});
  }
  const auto total = number(flows, "total");
  if (total > shown.size()) {
    const std::string note =
        std::to_string(shown.size()) + " of " + std::to_string(total) + " flows; --limit N shows more\n";
    return table.empty() ? note : table.text() + note;
  }
  return table.empty() ? "no flows: none is open that matches\n" : table.text();
}

std::string view_tunnels(const json::object& tunnels) {
  Table table = carrier_table();
  for (const auto& value : list(tunnels, "tunnels")) {
    const auto& tunnel = as_object(value);
    for (const auto& carrier : list(tunnel, "carriers")) add_carrier(table, tunnel, as_object(carrier));
  }
  return table.empty() ? "no tunnels: penstockctl edges shows who could connect, status what fails\n"
                       : table.text();
}

}  // namespace penstock::ctl
