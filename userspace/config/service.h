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

/// How the backend learns who the client is.
enum class ClientHeader { kNone, kProxyV1, kProxyV2 };

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
  PortSet ports{};                      // public TCP ports
  std::vector<std::string> edges{"*"};  // edge ids, or "*" for every edge
  Target target{};
  ClientHeader client = ClientHeader::kNone;
  std::uint32_t max_flows = 0;             // at once; 0: no limit of its own
  std::uint32_t max_flows_per_source = 0;  // at once from one source prefix; 0: no limit of its own
  Duration idle{};                         // a flow silent this long is reset; 0: never
  bool draining = false;                   // takes no new flow

  bool is_for(std::string_view edge_id) const;
  /// The backend's port for a public one. The port must be one of the service's.
  std::uint16_t backend_port(std::uint16_t public_port) const;
  bool operator==(const Service&) const = default;
};

std::string_view to_string(ClientHeader client);
std::optional<ClientHeader> parse_client_header(std::string_view text);

/// Checks that "P+" stays within 65535 for the highest of the service's ports.
Result<void> check_target(const Service& service);

/// Checks that no two services share a name, nor a port at the same edge; the error names both services and
/// the port.
Result<void> check_overlaps(const std::vector<Service>& services);

/// The service as JSON (the admin API's and the store's form), and back. Keys are those of the configuration
/// file; an unknown key, a missing `name`, `ports` or `target`, or a wrong type is refused naming the key.
/// `draining` is a key here, though not in the file.
std::string service_to_json(const Service& service);
Result<Service> service_from_json(std::string_view json);

}  // namespace penstock
