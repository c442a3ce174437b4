// Which backend stands behind a port of one edge.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "config/service.h"
#include "tunnel/flow.h"

namespace penstock {

/// A service as flows need it. Shared, since the workers' tables and flows under way hold it across changes.
struct Route {
  std::shared_ptr<const Service> service;
  std::shared_ptr<ServiceBook> book;
  std::vector<IpAddress> addresses;  // of the target's host; empty while its name has none
};

/// The ports assigned to one edge. Immutable: workers read it while the hub makes the next one.
class RouteTable {
 public:
  /// Ports of different routes do not overlap within a protocol.
  explicit RouteTable(const std::vector<Route>& routes);
  /// Null when the port is not assigned for that protocol. Good as long as the table.
  const Route* find_tcp(std::uint16_t port) const { return find(tcp_, port); }
  const Route* find_udp(std::uint16_t port) const { return find(udp_, port); }

 private:
  struct Entry {
    PortRange ports;
    Route route;
  };
  using Entries = std::vector<Entry>;  // by port

  static const Route* find(const Entries& entries, std::uint16_t port);

  Entries tcp_;
  Entries udp_;
};

}  // namespace penstock
