// Which UDP service stands behind a public port, as the hub assigned it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address_prefix.h"
#include "base/port_set.h"
#include "base/time.h"
#include "proto/handshake.h"

namespace penstock {

/// Immutable: workers read it while the edge makes the next one.
class UdpServices {
 public:
  /// What the edge lets the hub do.
  struct Policy {
    bool by_programs = false;       // kernel programs steer: else nothing can be direct
    std::vector<AddressPrefix> to;  // where backends of direct services may be
    bool permits(const IpAddress& address) const;
  };

  /// The backend of a service whose datagrams need no tunnel.
  struct Direct {
    IpAddress address;
    std::optional<IpAddress> other{};  // of the other family, for a transparent one
    std::uint16_t port = 0;            // 0: the public port itself
    std::uint16_t lowest = 0;  // the public port that becomes `port`, the others follow; 0: all become `port`
    DirectService::Header header = DirectService::Header::kNone;
    bool transparent = false;
    std::uint32_t max_sessions = 0;             // 0: no limit of its own
    std::uint32_t max_sessions_per_source = 0;  // ... of one source prefix
    bool draining = false;                      // takes no new session

    std::uint16_t backend_port(std::uint16_t public_port) const;
    /// Where datagrams of that client go: for a transparent one of its family, if there is one.
    const IpAddress& address_for(const IpAddress& client) const {
      return transparent && other && client.is_v4() == other->is_v4() ? *other : address;
    }
  };

  struct Entry {
    PortRange ports;
    std::string service;  // empty where a hub of the published protocol does not tell
    Duration idle{};      // silence after which an assured session is over
    std::optional<Direct> direct{};
  };

  /// A direct service that goes through the tunnel, and why, for people.
  struct Refused {
    std::string service;
    std::string why;
    bool operator==(const Refused&) const = default;
  };

  UdpServices() = default;
  UdpServices(const Assignment& assignment, const Policy& policy);
  /// Null when the port is not assigned. Good as long as the table.
  const Entry* find(std::uint16_t port) const;
  const std::vector<Entry>& entries() const { return entries_; }
  const std::vector<Refused>& refused() const { return refused_; }
  const Policy& policy() const { return policy_; }
  std::size_t index_of(const Entry& entry) const {
    return static_cast<std::size_t>(&entry - entries_.data());
  }

 private:
  std::optional<Direct> direct_of(const AssignedService& service);

  Policy policy_;
  std::vector<Entry> entries_;  // by port
  std::vector<Refused> refused_;
};

}  // namespace penstock
