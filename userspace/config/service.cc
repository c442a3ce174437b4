#include "config/service.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/address.h"
#include "base/text.h"
#include "config/overlap.h"

namespace penstock {
namespace {

template <class T, std::size_t kCount = 3>
using Words = std::array<std::pair<T, std::string_view>, kCount>;

constexpr Words<Protocol> kProtocols{{
    {Protocol::kTcp, "tcp"},
    {Protocol::kUdp, "udp"},
    {Protocol::kBoth, "both"},
}};
constexpr Words<ClientHeader, 4> kHeaders{{
    {ClientHeader::kNone, "none"},
    {ClientHeader::kProxyV1, "proxy-v1"},
    {ClientHeader::kProxyV2, "proxy-v2"},
    {ClientHeader::kTransparent, "transparent"},
}};
constexpr Words<ProxyV2Mode> kProxyV2Modes{{
    {ProxyV2Mode::kEvery, "every"},
    {ProxyV2Mode::kFirst, "first"},
    {ProxyV2Mode::kSeparate, "separate"},
}};

constexpr Words<ServiceWay, 2> kWays{{
    {ServiceWay::kTunnel, "tunnel"},
    {ServiceWay::kDirect, "direct"},
}};

template <class T, std::size_t kCount>
std::string_view word_of(const Words<T, kCount>& words, T wanted) {
  for (const auto& [value, word] : words) {
    if (value == wanted) return word;
  }
  return "unknown";
}

template <class T, std::size_t kCount>
std::optional<T> value_of(const Words<T, kCount>& words, std::string_view wanted) {
  for (const auto& [value, word] : words) {
    if (word == wanted) return value;
  }
  return std::nullopt;
}

/// What is wrong with the target, or "".
std::string wrong_with_target(const Service& service) {
  if (!service.target.offset || service.ports.empty()) return {};
  const std::uint16_t highest = service.ports.ranges().back().last;
  const int backend = service.target.port + (highest - service.ports.ranges().front().first);
  if (backend <= 65535) return {};
  return "\"" + service.target.to_string() + "\" would take port " + std::to_string(highest) + " to " +
         std::to_string(backend) + ", beyond 65535: write a lower port before the +";
}

std::string wrong_with_client(const Service& service) {
  if (service.client == ClientHeader::kTransparent && service.has_tcp()) {
    return "\"transparent\" is for UDP alone and protocol is \"" + std::string{to_string(service.protocol)} +
           "\": write \"proxy-v2\" or \"none\", or protocol \"udp\"";
  }
  if (service.client != ClientHeader::kProxyV1 || !service.has_udp()) return {};
  return "\"proxy-v1\" is for TCP alone and protocol is \"" + std::string{to_string(service.protocol)} +
         "\": write \"proxy-v2\" or \"none\"";
}

std::string wrong_with_way(const Service& service) {
  if (service.way == ServiceWay::kTunnel || service.protocol == Protocol::kUdp) return {};
  return "\"" + std::string{to_string(service.way)} + "\" is for UDP alone and protocol is \"" +
         std::string{to_string(service.protocol)} + "\": write \"tunnel\", or protocol \"udp\"";
}

std::string wrong_with_proxy_v2(const Service& service) {
  if (service.proxy_v2 == ProxyV2Mode::kEvery) return {};
  std::string what = "\"" + std::string{to_string(service.proxy_v2)} + "\" has no effect while ";
  if (!service.has_udp())
    return what + "protocol is \"tcp\": write \"every\", or protocol \"udp\" or \"both\"";
  if (service.client == ClientHeader::kProxyV2) return {};
  return what + "client is \"" + std::string{to_string(service.client)} +
         "\": write \"every\", or client \"proxy-v2\"";
}

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

std::string_view to_string(Protocol protocol) {
  return word_of(kProtocols, protocol);
}
std::string_view to_string(ClientHeader client) {
  return word_of(kHeaders, client);
}
std::string_view to_string(ProxyV2Mode mode) {
  return word_of(kProxyV2Modes, mode);
}
std::string_view to_string(ServiceWay way) {
  return word_of(kWays, way);
}
std::optional<Protocol> parse_protocol(std::string_view text) {
  return value_of(kProtocols, text);
}
std::optional<ClientHeader> parse_client_header(std::string_view text) {
  return value_of(kHeaders, text);
}
std::optional<ProxyV2Mode> parse_proxy_v2_mode(std::string_view text) {
  return value_of(kProxyV2Modes, text);
}
std::optional<ServiceWay> parse_way(std::string_view text) {
  return value_of(kWays, text);
}

std::vector<Contradiction> find_contradictions(const Service& service) {
  std::vector<Contradiction> found;
  const auto add = [&](std::string_view key, std::string what) {
    if (!what.empty()) found.push_back({key, std::move(what)});
  };
  add("target", wrong_with_target(service));
  add("client", wrong_with_client(service));
  add("proxy_v2", wrong_with_proxy_v2(service));
  add("way", wrong_with_way(service));
  return found;
}

Result<void> check_service(const Service& service) {
  const std::vector<Contradiction> found = find_contradictions(service);
  if (found.empty()) return {};
  return error(Errc::kInvalid, std::string{found.front().key} + ": " + found.front().what);
}

Result<void> check_overlaps(const std::vector<Service>& services) {
  const std::vector<Overlap> found = find_overlaps(services, 1);
  if (found.empty()) return {};
  return error(Errc::kExists, found.front().what);
}

}  // namespace penstock
