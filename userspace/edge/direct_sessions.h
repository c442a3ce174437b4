// What an edge's sessions without a tunnel have besides others: a source towards the backend, and the counts
// of the kernel programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "edge/edge_carrier.h"
#include "edge/udp_services.h"
#include "steering/backend_sources.h"
#include "steering/steering.h"
#include "tunnel/ledger.h"

namespace penstock {

/// Belongs to the sessions of one worker, on its thread. The programs take what client and backend send to
/// the other; what comes here is the first datagram of a session, and what they could not send.
class DirectSessions {
 public:
  /// All outlive it.
  DirectSessions(const Worker& worker, EdgeShared& shared, SessionTable& table, Steering& steering);

  /// Gives a new session its backend, and tells the steering of it. PST_R_COMPLETED, or why not: then nothing
  /// was done.
  Reason open(Session& session, const UdpServices::Direct& service);
  /// The same for one of the process before; false when its source cannot be kept.
  bool adopt(Session& session, const DirectRoute& route);
  /// Before the session is taken from the steering.
  void end(Session& session);

  /// The session whose backend sends on that path; null when there is none.
  Session* find(const SessionPath& path) const;
  const DirectRoute& route_of(const Session& session) const { return known_.at(session.id.value()).route; }
  /// Sends a client's datagram on; the first lets the programs forward those that follow.
  void to_backend(Session& session, Bytes payload, LedgerLine& line);
  /// Books what the programs forwarded since the last call.
  void refresh(Session& session, ServiceLedger& ledger);

  std::size_t size() const { return known_.size(); }
  /// Forgets backends whose sources have all rested; true while there are others.
  bool tidy();

 private:
  using Header = DirectService::Header;
  struct Known {
    DirectRoute route;
    std::uint32_t source = 0;  // its number; a transparent one has none
    Header header = Header::kNone;
    bool header_sent = false;
    bool forwarded = false;   // by the programs, what the client sends
    ForwardedTraffic booked;  // what refresh() has seen
  };
  struct PathHash {
    std::size_t operator()(const SessionPath& path) const {
      return EndpointHash{}(path.local) * 31 + EndpointHash{}(path.remote);
    }
  };

  Reason open_transparent(Session& session, const Endpoint& backend);
  Reason add(Session& session, const Known& known);
  std::optional<std::uint32_t> take_source(const Endpoint& backend);
  BackendSources& sources_of(const Endpoint& backend) { return backend.address.is_v4() ? v4_ : v6_; }
  void drop(LedgerLine& line, Reason reason, std::size_t bytes);

  const Worker& worker_;
  SessionTable& table_;
  Steering& steering_;
  BackendSources v4_;
  BackendSources v6_;
  std::unordered_map<std::uint32_t, Known> known_;                  // by id
  std::unordered_map<SessionPath, Session*, PathHash> by_backend_;  // from the source to the backend
};

}  // namespace penstock
