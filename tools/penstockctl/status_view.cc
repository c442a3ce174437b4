#include "penstockctl/field.h"
#include "penstockctl/quantity.h"
#include "penstockctl/table.h"
#include "penstockctl/views.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

std::string size(const json::object& from, std::string_view key) {
  return size_text(number(from, key));
}

std::string count(std::uint64_t n, std::string_view one, std::string_view many) {
  return std::to_string(n) + " " + std::string{n == 1 ? one : many};
}

/// "ports 80,8000-8100; udp ports 53; ", of those that are open.
std::string open_ports(const json::object& edge) {
  const std::string udp = text(edge, "udp_ports");
  return "ports " + text(edge, "ports") + "; " + (udp.empty() ? "" : "udp ports " + udp + "; ");
}

void add_edge_role(Sheet& sheet, const json::object& edge) {
  if (edge.empty()) return;
  sheet.add("edge", text(edge, "id") + ", hub " + text(edge, "hub") + ": " +
                        (flag(edge, "connected") ? "connected, " : "not connected, ") +
                        text(edge, "carriers_up") + " of " +
                        count(number(edge, "carriers_wanted"), "carrier", "carriers") + " up");
  sheet.add("edge", open_ports(edge) + count(number(edge, "held"), "connection", "connections") +
                        " held for the tunnel");
  if (const auto last = text(edge, "last_error"); !last.empty()) sheet.add("edge", "last error: " + last);
}

void add_hub_role(Sheet& sheet, const json::object& hub) {
  if (hub.empty()) return;
  sheet.add("hub", "listens on " + joined(hub, "listen", ", "));
  sheet.add("hub", text(hub, "edges_connected") + " of " +
                       count(number(hub, "edges_known"), "edge", "edges") + " connected, " +
                       count(number(hub, "services"), "service", "services"));
  sheet.add("hub", "pin " + text(hub, "pin"));
}

void add_traffic(Sheet& sheet, const json::object& status) {
  for (const std::string_view kind : {"flows", "sessions"}) {
    const auto& counts = part(status, kind);
    sheet.add(std::string{kind}, text(counts, "open") + " open of at most " + text(counts, "limit") + ", " +
                                     text(counts, "opened") + " opened since the start");
  }
  const auto& bytes = part(status, "bytes");
  sheet.add("bytes", size(bytes, "to_backend") + " to backends, " + size(bytes, "to_client") + " to clients");
  const auto& window = part(status, "window");
  sheet.add("window", size(window, "granted_to_backend") + " to backends, " +
                          size(window, "granted_to_client") + " to clients granted, of " +
                          size(window, "budget") + " each");
}

/// Which lanes' frames pass without the host's stack, and how many did.
void add_links(Sheet& sheet, const json::object& steering) {
  std::string line;
  for (const auto& value : list(steering, "links")) {
    const auto& one = as_object(value);
    line.append(line.empty() ? "by " : ", ").append(text(one, "device"));
    line.append(" (" + text(one, "in") + " in, " + text(one, "out") + " out with " + text(one, "out_calls") +
                " calls)");
  }
  const std::string why = text(steering, "why_no_links");
  if (!why.empty()) line.append(line.empty() ? "" : ", others ").append("by the host's stack: ").append(why);
  if (!line.empty()) sheet.add("frames", line);
}

/// One line; nothing from a daemon that does not tell.
void add_steering(Sheet& sheet, const json::object& steering) {
  if (steering.empty()) return;
  std::string line = "sockets: " + text(steering, "why");
  if (text(steering, "mode") == "kernel") {
    std::string interfaces;
    for (const auto& value : list(steering, "interfaces")) {
      const auto& one = as_object(value);
      interfaces.append(interfaces.empty() ? "" : ", ");
      interfaces.append(text(one, "name")).append(" (").append(text(one, "mode")).append(")");
    }
    line = "kernel programs on " + (interfaces.empty() ? "no interface" : interfaces);
  }
  const std::string complaints = joined(steering, "complaints", "; ");
  sheet.add("steering", complaints.empty() ? line : line + "; not on " + complaints);
  add_links(sheet, steering);
}

}  // namespace

std::string view_status(const json::object& status) {
  Sheet sheet;
  sheet.add("node", text(status, "name") + ", penstock " + text(status, "version") + ", pid " +
                        text(status, "pid") + ", up " + age_text(number(status, "uptime_s")));
  sheet.add("roles", joined(status, "roles", ", "));
  const std::string why = joined(status, "why", "; ");
  sheet.add("ready", (flag(status, "ready") ? "yes" : "no") + (why.empty() ? "" : ": " + why));
  if (flag(status, "draining")) sheet.add("draining", "yes: takes no new flows");
  sheet.add("log level", text(status, "log_level"));
  add_edge_role(sheet, part(status, "edge"));
  add_hub_role(sheet, part(status, "hub"));
  add_steering(sheet, part(status, "steering"));
  add_traffic(sheet, status);
  for (const auto& member : part(status, "reasons")) {
    sheet.add("reasons", text_of(json::value(member.key())) + " " + text_of(member.value()));
  }
  return sheet.text();
}

}  // namespace penstock::ctl
