// A service: public ports, and where their traffic goes. Declared in the configuration file or added by an
// operator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/port_set.h"
#include "base/time.h"

namespace penstock {

/// What clients speak to the service's ports.
enum class Protocol { kTcp, kUdp, kBoth };

/// How the backend learns who the client is: not at all, by a header, or by seeing the client's own address
/// as the sender's.
enum class ClientHeader { kNone, kProxyV1, kProxyV2, kTransparent };

/// Where the PROXY v2 header of a UDP session goes: before every datagram, before the first one, or into a
/// datagram of its own that precedes the first.
enum class ProxyV2Mode { kEvery, kFirst, kSeparate };

/// How UDP datagrams get from an edge to the backend and back: through the tunnel, or straight, without the
/// hub.
enum class ServiceWay { kTunnel, kDirect };

/// Where a service's connections go: a host with the public port itself ("host"), one port ("host:P"),
/// or a range shifted so that the service's lowest port becomes P ("host:P+").
struct Target {
  std::string host{};
  std::uint16_t port = 0;  // 0: the public port itself
  bool offset = false;     // "P+": port + (public port - lowest public port)

  static Result<Target> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const Target&) const = default;
};

struct Service {
  std::string name{};
  Protocol protocol = Protocol::kTcp;
  PortSet ports{};                      // public ports, of each of its protocols
  std::vector<std::string> edges{"*"};  // edge ids, or "*" for every edge
  Target target{};
  ClientHeader client = ClientHeader::kNone;
  ProxyV2Mode proxy_v2 = ProxyV2Mode::kEvery;
  ServiceWay way = ServiceWay::kTunnel;
  // Limits count TCP connections and UDP sessions apart: each may be so many.
  std::uint32_t max_flows = 0;                   // at once; 0: no limit of its own
  std::uint32_t max_flows_per_source = 0;        // at once from one source prefix; 0: no limit of its own
  Duration idle{};                               // a connection silent this long is reset; 0: never
  Duration udp_idle = std::chrono::seconds{60};  // an assured session silent this long is over
  bool draining = false;                         // takes no new flow

  bool has_tcp() const { return protocol != Protocol::kUdp; }
  bool has_udp() const { return protocol != Protocol::kTcp; }
  bool is_for(std::string_view edge_id) const;
  /// The backend's port for a public one. The port must be one of the service's.
  std::uint16_t backend_port(std::uint16_t public_port) const;
  bool operator==(const Service&) const = default;
};

// The words of the configuration: "tcp", "proxy-v2", "every" and so on.
std::string_view to_string(Protocol protocol);
std::string_view to_string(ClientHeader client);
std::string_view to_string(ProxyV2Mode mode);
std::string_view to_string(ServiceWay way);
std::optional<Protocol> parse_protocol(std::string_view text);
std::optional<ClientHeader> parse_client_header(std::string_view text);
std::optional<ProxyV2Mode> parse_proxy_v2_mode(std::string_view text);
std::optional<ServiceWay> parse_way(std::string_view text);

/// A key that is right by itself and wrong beside the service's other keys.
struct Contradiction {
  std::string_view key;
  std::string what;  // a sentence that says what to write
};
/// A target "P+" that leads beyond 65535 for the highest port; a client that UDP or TCP does not know; a
/// proxy_v2 that would have no effect; a way that TCP does not know.
std::vector<Contradiction> find_contradictions(const Service& service);
/// The first of them as an error that begins with the key.
Result<void> check_service(const Service& service);

/// Checks that no two services share a name, nor a port of one protocol at the same edge; the error names
/// both services, the protocol and the port.
Result<void> check_overlaps(const std::vector<Service>& services);

/// The service as JSON (the admin API's and the store's form), and back. Keys are those of the configuration
/// file; an unknown key, a missing `name`, `ports` or `target`, or a wrong type is refused naming the key.
/// `draining` is a key here, though not in the file.
std::string service_to_json(const Service& service);
Result<Service> service_from_json(std::string_view json);

}  // namespace penstock
