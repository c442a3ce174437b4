#include "config/service.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/address.h"
#include "base/text.h"
#include "config/overlap.h"

namespace penstock {
namespace {

constexpr std::array<std::pair<ClientHeader, std::string_view>, 3> kHeaders{{
    {ClientHeader::kNone, "none"},
    {ClientHeader::kProxyV1, "proxy-v1"},
    {ClientHeader::kProxyV2, "proxy-v2"},
}};

}  // namespace

Result<Target> Target::parse(std::string_view text) {
  const bool offset = text.ends_with('+');
  const std::string_view rest = text.substr(0, text.size() - (offset ? 1 : 0));
  const auto colon = rest.rfind(':');
  const bool ported = colon != std::string_view::npos && !rest.ends_with(']');
  // HostPort knows what a host may be; a target without a port borrows one.
  const auto split = HostPort::parse(ported ? std::string{rest} : std::string{rest} + ":1");
  if (!split || (offset && !ported)) {
    return error(Errc::kInvalid,
                 "\"" + printable(text, 64) +
                     "\" is no target: write HOST, HOST:PORT or HOST:PORT+, an IPv6 address in brackets");
  }
  return Target{split->host, ported ? split->port : std::uint16_t{0}, offset};
}

std::string Target::to_string() const {
  if (port != 0) return HostPort{host, port}.to_string() + (offset ? "+" : "");
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

bool Service::is_for(std::string_view edge_id) const {
  return std::any_of(edges.begin(), edges.end(),
                     [&](const std::string& id) { return id == "*" || id == edge_id; });
}

std::uint16_t Service::backend_port(std::uint16_t public_port) const {
  if (target.port == 0) return public_port;
  if (!target.offset) return target.port;
  return static_cast<std::uint16_t>(target.port + (public_port - ports.ranges().front().first));
}

std::string_view to_string(ClientHeader client) {
  for (const auto& [header, word] : kHeaders) {
    if (header == client) return word;
  }
  return "unknown";
}

std::optional<ClientHeader> parse_client_header(std::string_view text) {
  for (const auto& [header, word] : kHeaders) {
    if (word == text) return header;
  }
  return std::nullopt;
}

Result<void> check_target(const Service& service) {
  if (!service.target.offset || service.ports.empty()) return {};
  const std::uint16_t highest = service.ports.ranges().back().last;
  const int backend = service.target.port + (highest - service.ports.ranges().front().first);
  if (backend <= 65535) return {};
  return error(Errc::kInvalid, "\"" + service.target.to_string() + "\" would take port " +
                                   std::to_string(highest) + " to " + std::to_string(backend) +
                                   ", beyond 65535: write a lower port before the +");
}

Result<void> check_overlaps(const std::vector<Service>& services) {
  const std::vector<Overlap> found = find_overlaps(services, 1);
  if (found.empty()) return {};
  return error(Errc::kExists, found.front().what);
}

}  // namespace penstock
