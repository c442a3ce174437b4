#include "proto/handshake.h"

#include <penstock/wire/frame.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/text.h"
#include "proto/json.h"
#include "proto/messages.h"
#include "proto/token.h"

namespace penstock {
namespace {

namespace json = boost::json;

std::vector<std::uint16_t> read_port_numbers(const JsonNode& list) {
  std::vector<std::uint16_t> ports;
  list.each(65535, [&](const JsonNode& port) { ports.push_back(port.number<std::uint16_t>(1)); });
  return ports;
}

constexpr std::array<std::pair<DirectService::Header, std::string_view>, 4> kHeaders{{
    {DirectService::Header::kNone, "none"},
    {DirectService::Header::kEvery, "every"},
    {DirectService::Header::kFirst, "first"},
    {DirectService::Header::kSeparate, "separate"},
}};

/// Two keys, so that an edge that knows the first alone never sends from its own address what is not to be.
std::string_view way_key(bool transparent) {
  return transparent ? "transparent" : "direct";
}

DirectService::Header read_header(const JsonNode& node) {
  const std::string text = node.text();
  for (const auto& [header, word] : kHeaders) {
    if (word == text) return header;
  }
  node.fail("is none of none, every, first and separate");
  return DirectService::Header::kNone;
}

DirectService read_direct(const JsonNode& node, bool transparent) {
  DirectService direct{.transparent = transparent};
  node.key("addresses").each(wire::kMaxAddresses, [&](const JsonNode& address) {
    const auto parsed = IpAddress::parse(address.text());
    if (!parsed) return address.fail("is no IP address");
    direct.addresses.push_back(*parsed);
  });
  direct.port = node.key("port").number<std::uint16_t>(0);
  direct.shifted = node.key("shifted").boolean();
  if (!transparent) direct.header = read_header(node.key("header"));
  direct.max_sessions = node.key("max_sessions").number<std::uint32_t>(0);
  direct.max_sessions_per_source = node.key("max_sessions_per_source").number<std::uint32_t>(0);
  direct.draining = node.key("draining").boolean();
  return direct;
}

AssignedService read_service(const JsonNode& node) {
  AssignedService service{.name = node.key("name").name(), .ports = node.key("ports").port_set()};
  if (node.has("udp")) service.udp_ports = node.key("udp").port_set();
  if (!service.udp_ports.empty()) {
    service.udp_idle =
        std::chrono::milliseconds{node.key("udp_idle_ms").number<std::uint32_t>(1, wire::kMaxUdpIdleMs)};
    for (const bool transparent : {false, true}) {
      if (node.has(way_key(transparent)))
        service.direct = read_direct(node.key(way_key(transparent)), transparent);
    }
  }
  return service;
}

Assignment::Extension read_extension(const JsonNode& node) {
  Assignment::Extension extension{.version = node.key("version").number<std::uint32_t>(1),
                                  .features = node.key("features").names(wire::kMaxFeatures),
                                  .instance = node.key("instance").u64(),
                                  .generation = node.key("generation").u64(),
                                  .services = {}};
  if (node.has("carriers")) extension.carriers = node.key("carriers").number<std::uint32_t>(1);
  node.key("services").each(wire::kMaxPortRanges, [&](const JsonNode& service) {
    extension.services.push_back(read_service(service));
  });
  return extension;
}

json::object to_json(const DirectService& direct) {
  json::array addresses;
  for (const IpAddress& address : direct.addresses) addresses.emplace_back(address.to_string());
  json::object out{{"addresses", std::move(addresses)}, {"port", direct.port}, {"shifted", direct.shifted}};
  if (!direct.transparent) out["header"] = kHeaders[static_cast<std::size_t>(direct.header)].second;
  out["max_sessions"] = direct.max_sessions;
  out["max_sessions_per_source"] = direct.max_sessions_per_source;
  out["draining"] = direct.draining;
  return out;
}

json::object to_json(const AssignedService& service) {
  json::object out{{"name", service.name}, {"ports", to_json_array(service.ports)}};
  if (service.udp_ports.empty()) return out;
  out["udp"] = to_json_array(service.udp_ports);
  out["udp_idle_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(service.udp_idle).count();
  if (service.direct) out[way_key(service.direct->transparent)] = to_json(*service.direct);
  return out;
}

json::object to_json(const Assignment::Extension& extension) {
  json::array services;
  for (const AssignedService& service : extension.services) services.push_back(to_json(service));
  json::object out{{"version", extension.version},
                   {"features", json::array(extension.features.begin(), extension.features.end())},
                   {"instance", std::to_string(extension.instance)},
                   {"generation", std::to_string(extension.generation)}};
  if (extension.carriers > 0) out["carriers"] = extension.carriers;
  out["services"] = std::move(services);
  return out;
}

PortSet all_of(const std::vector<AssignedService>& services, PortSet AssignedService::*member) {
  PortSet ports;
  for (const AssignedService& service : services) {
    for (const PortRange& range : (service.*member).ranges()) ports.add(range);
  }
  return ports;
}

/// Neighbours become one range first, so that the set has less to merge.
PortSet set_of(std::vector<std::uint16_t> ports) {
  std::sort(ports.begin(), ports.end());
  PortSet set;
  for (std::size_t begin = 0, end = 0; begin < ports.size(); begin = end) {
    for (end = begin + 1; end < ports.size() && ports[end] - ports[end - 1] <= 1;) ++end;
    set.add({ports[begin], ports[end - 1]});
  }
  return set;
}

}  // namespace

std::string to_line(const EdgeLine& line) {
  return "EDGE " + line.id + " " + line.secret + "\n";
}

Result<EdgeLine> parse_edge_line(std::string_view line) {
  constexpr std::string_view kKeyword = "EDGE ";
  if (line.size() >= wire::kMaxEdgeLine) {
    return error(Errc::kLimit,
                 "the EDGE line is longer than " + std::to_string(wire::kMaxEdgeLine) + " bytes");
  }
  if (!line.starts_with(kKeyword)) return error(Errc::kInvalid, "the line does not begin with 'EDGE '");
  line.remove_prefix(kKeyword.size());
  const auto space = line.find(' ');
  if (space == std::string_view::npos) {
    return error(Errc::kInvalid, "the EDGE line has no space between edge id and secret");
  }
  const EdgeLine read{std::string{line.substr(0, space)}, std::string{line.substr(space + 1)}};
  if (!is_edge_id(read.id)) {
    return error(Errc::kInvalid, "the edge id in the EDGE line is not 1 to 64 printable characters");
  }
  if (!is_secret(read.secret)) {
    return error(Errc::kInvalid,
                 "the secret in the EDGE line is not 1 to 256 printable characters without space");
  }
  return read;
}

std::string to_line(const Assignment& assignment) {
  json::object line{
      {"listenPorts", json::array(assignment.listen_ports.begin(), assignment.listen_ports.end())},
      {"listenPortsUdp", json::array(assignment.listen_ports_udp.begin(), assignment.listen_ports_udp.end())},
      {"stunIntervalSecs", assignment.stun_interval_s}};
  if (assignment.penstock) line["penstock"] = to_json(*assignment.penstock);
  return json::serialize(line) + "\n";
}

Result<Assignment> parse_assignment(std::string_view json) {
  JsonDocument document{json, wire::kMaxJson};
  const JsonNode root = document.root();
  Assignment assignment{.listen_ports = read_port_numbers(root.key("listenPorts")), .penstock = {}};
  if (root.has("listenPortsUdp")) {
    assignment.listen_ports_udp = read_port_numbers(root.key("listenPortsUdp"));
  }
  if (root.has("stunIntervalSecs")) {
    assignment.stun_interval_s = root.key("stunIntervalSecs").number<std::uint32_t>(0);
  }
  if (root.has("penstock")) assignment.penstock = read_extension(root.key("penstock"));
  return document.finish(std::move(assignment));
}

PortSet ports_of(const Assignment& assignment) {
  if (!assignment.penstock) return set_of(assignment.listen_ports);
  return all_of(assignment.penstock->services, &AssignedService::ports);
}

PortSet udp_ports_of(const Assignment& assignment) {
  if (!assignment.penstock) return set_of(assignment.listen_ports_udp);
  return all_of(assignment.penstock->services, &AssignedService::udp_ports);
}

std::string to_line(const Refusal& refusal) {
  return json::serialize(json::object{{"error", refusal.reason}, {"message", peer_text(refusal.message)}}) +
         "\n";
}

std::optional<Refusal> parse_refusal(std::string_view json) {
  JsonDocument document{json, wire::kMaxJson};
  const JsonNode root = document.root();
  Refusal refusal{.reason = root.key("error").text(), .message = {}};
  if (root.has("message")) refusal.message = peer_text(root.key("message").text());
  if (!is_name(refusal.reason)) refusal.reason = label_of(PST_R_UNKNOWN);
  const Result<Refusal> read = document.finish(std::move(refusal));
  return read ? std::optional{*read} : std::nullopt;
}

}  // namespace penstock
