// Flows, sessions and tunnels.
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
                {"KIND"},
                {"STATE"},
                {"WORKER", true},
                {"PEER"},
                {"LOCAL"},
                {"CIPHER"},
                {"RTT", true},
                {"LOST", true},
                {"MARKED", true},
                {"WINDOW", true},
                {"MOVED", true},
                {"RESUMED"},
                {"AGE", true},
                {"FLOWS", true},
                {"SENT", true},
                {"RECEIVED", true}}};
}

/// Packets of QUIC that were lost, in hundredths of those sent.
std::string lost_text(const json::object& quic) {
  const auto sent = number(quic, "sent_packets");
  if (sent == 0) return "";
  const auto lost = number(quic, "lost_packets") * 10000 / sent;
  const std::string hundredths = std::to_string(lost % 100);
  return std::to_string(lost / 100) + "." + (hundredths.size() < 2 ? "0" : "") + hundredths + " %";
}

void add_carrier(Table& table, const json::object& tunnel, const json::object& carrier) {
  const std::string why = text(carrier, "why");
  const std::string down = why.empty() ? "down" : "down: " + why;
  const std::string why_tls = text(carrier, "why_tls");
  const std::string up = why_tls.empty() ? "up" : "up, for want of QUIC: " + why_tls;
  const auto round_trip = number(carrier, "rtt_us");
  const bool quic = text(carrier, "kind") == "quic";
  const auto& details = part(carrier, "quic");
  table.add({text(tunnel, "edge"), flag(tunnel, "legacy") ? "legacy" : text(tunnel, "instance"),
             text(carrier, "index"), text(carrier, "kind"), flag(carrier, "up") ? up : down,
             text(carrier, "worker"), text(carrier, "peer"), text(carrier, "local"), text(carrier, "cipher"),
             round_trip == 0 ? "" : round_trip_text(round_trip), quic ? lost_text(details) : "",
             quic ? text(details, "marked_packets") : "",
             quic ? size_text(number(details, "congestion_window")) : "",
             quic ? text(details, "migrations") : "", flag(carrier, "resumed") ? "yes" : "no",
             age_text(number(carrier, "age_s")), text(carrier, "flows"), size_text(number(carrier, "sent")),
             size_text(number(carrier, "received"))});
}

/// The table, and how many there are when it does not show all of them.
std::string listing(const Table& table, std::size_t shown, std::uint64_t total, const std::string& what) {
  const std::string rows = table.empty() ? std::string{} : table.text();
  if (total > shown) {
    return rows + std::to_string(shown) + " of " + std::to_string(total) + " " + what +
           "; --limit N shows more\n";
  }
  return table.empty() ? "no " + what + ": none is open that matches\n" : rows;
}

Table session_table() {
  return Table{{{"SESSION", true},
                {"SERVICE"},
                {"EDGE"},
                {"CLIENT"},
                {"LOCAL"},
                {"WAY"},
                {"BACKEND"},
                {"SOURCE"},
                {"STATE"},
                {"AGE", true},
                {"IDLE", true},
                {"TO BACKEND", true},
                {"BYTES", true},
                {"TO CLIENT", true},
                {"BYTES", true}}};
}

/// What came to a hub's QUIC port and was no packet of a tunnel; nothing where there is none.
std::string door_text(const json::object& tunnels) {
  if (!tunnels.contains("quic_door")) return {};
  const auto& door = part(tunnels, "quic_door");
  return "QUIC handshakes: " + text(door, "accepted") + " begun, " + text(door, "retries") +
         " asked to prove their address (Retry), " + text(door, "refused") + " refused; " +
         text(door, "stateless_resets") + " packets of no connection reset, " + text(door, "ignored") +
         " ignored\n";
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
               {"TIER"},
               {"CARRIER", true}}};
  const auto& shown = list(flows, "flows");
  for (const auto& value : shown) {
    const auto& flow = as_object(value);
    table.add({text(flow, "id"), text(flow, "service"), text(flow, "edge"), text(flow, "client"),
               text(flow, "local"), text(flow, "backend"), text(flow, "state"),
               age_text(number(flow, "age_s")), age_text(number(flow, "idle_s")),
               size_text(number(flow, "to_backend")), size_text(number(flow, "to_client")),
               text(flow, "tier"), text(flow, "carrier")});
  }
  return listing(table, shown.size(), number(flows, "total"), "flows");
}

std::string view_sessions(const json::object& sessions) {
  Table table = session_table();
  const auto& shown = list(sessions, "sessions");
  for (const auto& value : shown) {
    const auto& session = as_object(value);
    const auto& to_backend = part(session, "to_backend");
    const auto& to_client = part(session, "to_client");
    table.add({text(session, "id"), text(session, "service"), text(session, "edge"), text(session, "client"),
               text(session, "local"), text(session, "way"), text(session, "backend"),
               text(session, "source"), text(session, "state"), age_text(number(session, "age_s")),
               age_text(number(session, "idle_s")), text(to_backend, "datagrams"),
               size_text(number(to_backend, "bytes")), text(to_client, "datagrams"),
               size_text(number(to_client, "bytes"))});
  }
  return listing(table, shown.size(), number(sessions, "total"), "sessions");
}

std::string view_tunnels(const json::object& tunnels) {
  Table table = carrier_table();
  for (const auto& value : list(tunnels, "tunnels")) {
    const auto& tunnel = as_object(value);
    for (const auto& carrier : list(tunnel, "carriers")) add_carrier(table, tunnel, as_object(carrier));
  }
  return (table.empty() ? "no tunnels: penstockctl edges shows who could connect, status what fails\n"
                        : table.text()) +
         door_text(tunnels);
}

}  // namespace penstock::ctl
