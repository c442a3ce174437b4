// Which UDP service stands behind a public port, as the hub assigned it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/port_set.h"
#include "base/time.h"
#include "proto/handshake.h"

namespace penstock {

/// Immutable: workers read it while the edge makes the next one.
class UdpServices {
 public:
  struct Entry {
    PortRange ports;
    std::string service;  // empty where a hub of the published protocol does not tell
    Duration idle{};      // silence after which an assured session is over
  };

  UdpServices() = default;
  explicit UdpServices(const Assignment& assignment);
  /// Null when the port is not assigned. Good as long as the table.
  const Entry* find(std::uint16_t port) const;
  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t index_of(const Entry& entry) const {
    return static_cast<std::size_t>(&entry - entries_.data());
  }

 private:
  std::vector<Entry> entries_;  // by port
};

}  // namespace penstock
