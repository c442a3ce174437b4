// A UDP session as people see it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "steering/session_table.h"
#include "tunnel/counters.h"

namespace penstock {

struct SessionReport {
  SessionId id;  // of this node
  std::string service;
  std::string edge;
  Endpoint client;
  Endpoint local;       // the public address that the client used
  bool direct = false;  // between an edge and the backend, without a hub
  Endpoint backend;     // of a direct one, and at the hub
  Endpoint source;      // our end towards the backend; the address is :: where the system chooses
  std::string_view state;
  Duration age{};
  Duration idle{};
  std::uint64_t to_backend_datagrams = 0;
  std::uint64_t to_backend_bytes = 0;
  std::uint64_t to_client_datagrams = 0;
  std::uint64_t to_client_bytes = 0;
};

/// Which sessions are asked for; what is empty asks for all.
struct SessionFilter {
  std::string service;
  std::string edge;
  std::string client;  // an address, or an address and port
  std::string state;

  /// Cheap first: most sessions of a large table are not wanted.
  bool wants(std::string_view of_service, std::string_view of_edge, const Endpoint& of_client,
             SessionState of_state) const {
    return (state.empty() || to_string(of_state) == state) && (service.empty() || of_service == service) &&
           (edge.empty() || of_edge == edge) &&
           (client.empty() || of_client.address.to_string() == client || of_client.to_string() == client);
  }
};

struct SessionListing {
  std::vector<SessionReport> shown;
  std::size_t total = 0;  // that the filter wants, shown or not
};

/// What a session ends as that fell silent, whichever node noticed.
Reason end_by_silence(const Session& session);
/// Fills what a session's table knows.
SessionReport report_of(const SessionTable& table, const Session& session, Time now);

}  // namespace penstock
