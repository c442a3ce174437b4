// Edges, services, ports and events.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "penstockctl/field.h"
#include "penstockctl/quantity.h"
#include "penstockctl/table.h"
#include "penstockctl/views.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxEventLine = 4096;

/// Where an object was declared: "file:line" or "store".
std::string place(const json::object& from) {
  const std::string position = text(from, "position");
  return position.empty() ? text(from, "origin") : position;
}

std::string edge_state(const json::object& edge) {
  std::string out = flag(edge, "connected") ? "connected" : "offline";
  if (flag(edge, "legacy")) out += ", legacy";
  if (flag(edge, "rotating")) out += ", rotating";
  return out;
}

/// "12", or "12/100" where there is a limit.
std::string flows_of(const json::object& service) {
  const std::string open = text(service, "flows");
  return number(service, "max_flows") == 0 ? open : open + "/" + text(service, "max_flows");
}

/// "proxy-v2", or "proxy-v2 first" where the header is not as usual.
std::string client_of(const json::object& service) {
  const std::string mode = text(service, "proxy_v2");
  return text(service, "client") + (mode.empty() || mode == "every" ? "" : " " + mode);
}

}  // namespace

std::string view_edges(const json::object& edges) {
  Table table{{{"EDGE"},
               {"STATE"},
               {"ADDRESS"},
               {"CARRIERS", true},
               {"FLOWS", true},
               {"CONNECTED", true},
               {"PORTS FAILED", true},
               {"FROM"}}};
  for (const auto& value : list(edges, "edges")) {
    const auto& edge = as_object(value);
    table.add({text(edge, "id"), edge_state(edge), text(edge, "address"), text(edge, "carriers"),
               text(edge, "flows"), flag(edge, "connected") ? age_text(number(edge, "connected_s")) : "",
               text(edge, "ports_failed"), place(edge)});
  }
  return table.empty() ? "no edges: add one with penstockctl edges add NAME\n" : table.text();
}

std::string view_services(const json::object& services) {
  Table table{{{"SERVICE"},
               {"PROTOCOL"},
               {"PORTS"},
               {"EDGES"},
               {"TARGET"},
               {"CLIENT"},
               {"FLOWS", true},
               {"TOTAL", true},
               {"TO BACKEND", true},
               {"TO CLIENT", true},
               {"STATE"},
               {"FROM"}}};
  for (const auto& value : list(services, "services")) {
    const auto& service = as_object(value);
    table.add({text(service, "name"), text(service, "protocol"), joined(service, "ports", ","),
               joined(service, "edges", ","), text(service, "target"), client_of(service), flows_of(service),
               text(service, "flows_total"), size_text(number(service, "bytes_to_backend")),
               size_text(number(service, "bytes_to_client")),
               flag(service, "draining")            ? "draining"
               : list(service, "addresses").empty() ? "no address"
                                                    : "serving",
               place(service)});
  }
  return table.empty()
             ? "no services: add one with penstockctl services add NAME --ports LIST --target HOST\n"
             : table.text();
}

std::string view_ports(const json::object& ports) {
  Table table{{{"EDGE"}, {"SERVICE"}, {"PROTOCOL"}, {"PORTS"}, {"STATE"}, {"WHY"}}};
  for (const auto& value : list(ports, "ports")) {
    const auto& port = as_object(value);
    const std::string message = text(port, "message");
    table.add({text(port, "edge"), text(port, "service"), text(port, "protocol"), text(port, "ports"),
               text(port, "state"), text(port, "reason") + (message.empty() ? "" : ": " + message)});
  }
  return table.empty() ? "no ports are assigned: a hub gives them to its edges by penstockctl services add\n"
                       : table.text();
}

std::string view_event(std::string_view line) {
  json::error_code failed;
  const json::value parsed = json::parse(line, failed);
  if (failed || !parsed.is_object()) return printable(line, kMaxEventLine) + "\n";
  const auto& event = parsed.get_object();
  std::string out = text(event, "time") + " " + text(event, "event");
  for (const auto& member : event) {
    if (member.key() == "time" || member.key() == "event" || member.key() == "seq") continue;
    const bool plain = member.value().is_string() || member.value().is_number();
    const std::string value = plain && !text_of(member.value()).empty()
                                  ? text_of(member.value())
                                  : printable(json::serialize(member.value()), kMaxEventLine);
    out.append(" ").append(text_of(json::value(member.key()))).append("=");
    out.append(value.find(' ') == std::string::npos ? value : "\"" + value + "\"");
  }
  return out + "\n";
}

std::string view_service_line(const json::object& service) {
  const std::string protocol = text(service, "protocol");
  return (protocol == "both" ? "tcp and udp" : protocol) + " ports " + joined(service, "ports", ",") +
         " at edges " + joined(service, "edges", ",") + " to " + text(service, "target") + ", client " +
         client_of(service);
}

}  // namespace penstock::ctl
