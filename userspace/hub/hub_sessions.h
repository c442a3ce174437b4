// The UDP sessions of a hub's worker: opened by edges, each with a source of its own towards its backend.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/service.h"
#include "hub/route_table.h"
#include "hub/tunnel_registry.h"
#include "hub/wire_ids.h"
#include "proto/frame.h"
#include "proto/proxy_header.h"
#include "steering/backend_sources.h"
#include "steering/per_session.h"
#include "steering/steering.h"
#include "tunnel/admission.h"
#include "tunnel/ledger.h"
#include "tunnel/numbered.h"
#include "tunnel/session_report.h"
#include "tunnel/worker.h"

namespace penstock {

struct HubShared;
class Carrier;

/// One running edge that has sessions on this worker. Kept across the loss of its carriers, while any session
/// lives. Shared by its carriers and the sessions' owner.
struct SessionTunnel {
  std::string edge;
  std::uint64_t hash = 0;  // of its id
  std::uint64_t instance = 0;
  std::uint64_t number = 0;         // tells it from all others that the worker had
  ServiceLedger* nobody = nullptr;  // the edge's books of what belongs to no service
  std::uint32_t sessions = 0;
};

/// Finds the carrier on which a session's answers go; the worker knows which are there.
class HubCarriers {
 public:
  /// Null when that carrier is gone or going.
  virtual Carrier* carrier(std::uint64_t number) = 0;
  /// Its index among the carriers of its tunnel; none of an edge in legacy mode.
  virtual std::optional<std::uint32_t> index_of(std::uint64_t number) = 0;

 protected:
  ~HubCarriers() = default;
};

/// Owned by its worker, on the worker's thread. What an edge says is checked: its ports, the limits, its ids.
/// A session keeps its source until it ends, through reconnects of its edge; then the source rests towards
/// that backend, so that a late answer reaches nobody.
class HubSessions final : private SteeringObserver {
 public:
  HubSessions(const Worker& worker, HubShared& shared, Ledger& ledger, HubCarriers& carriers);
  ~HubSessions();
  HubSessions(const HubSessions&) = delete;
  HubSessions& operator=(const HubSessions&) = delete;

  /// The carriers of which there are sessions of the process before: they must come to this worker.
  const std::set<InheritedHome>& inherited() const { return inherited_; }

  /// The tunnel of that instance of an edge, as it was left, or new.
  std::shared_ptr<SessionTunnel> tunnel(const std::string& edge, std::uint64_t instance);
  /// Another instance of the edge came, or the edge was removed: sessions of all others end.
  void keep_only(const std::string& edge, std::uint64_t instance, Reason reason);
  /// Sessions whose port is no longer assigned, or to another service, end.
  void check_routes(SessionTunnel& tunnel, const RouteTable& routes);

  /// What a carrier brought for a session. An error ends the carrier.
  Result<void> on_frame(SessionTunnel& tunnel, std::uint64_t carrier, const RouteTable& routes,
                        FrameType type, std::uint32_t wire_id, Bytes payload);
  /// What came together may leave together.
  void flush() { steering_->flush(); }

  /// At most `most` of those that the filter wants, and how many it wants in all.
  SessionListing sessions(const SessionFilter& filter, std::size_t most);

 private:
  /// What the sessions of a service and an edge have in common.
  struct Origin {
    std::shared_ptr<const Service> service;  // as it was when they were opened; the routes share it
    SessionTunnel* tunnel = nullptr;
    ServiceLedger* ledger = nullptr;
    auto operator<=>(const Origin&) const = default;
  };
  /// What belongs to a session besides its path. It has a place of shared_.sessions_admission too, and the
  /// steering knows its client.
  struct Extra {
    std::uint64_t carrier : 48 = 0;  // number of the one that it uses: a thousand a second for 8,900 years
    std::uint64_t origin : 16 = 0;   // its number in origins_
    std::uint32_t wire_id = 0;
    std::uint32_t source : 31 = 0;
    std::uint32_t header_sent : 1 = 0;
  };
  static constexpr std::uint64_t kCarriers = (std::uint64_t{1} << 48) - 1;
  static constexpr std::uint32_t kSources = (1U << 31) - 1;

  void on_datagram(Session& session, Bytes payload) override;
  void on_stranger(const SessionPath& path, Bytes payload) override;
  void on_overrun(const Endpoint& local, std::uint64_t datagrams) override;
  void on_lost(Reason reason, std::size_t bytes) override;
  void on_sent(Session& session, std::size_t bytes, const boost::system::error_code& error) override;

  bool adopt(const Steering::Left& left);
  SessionTunnel& left_tunnel(const SessionOrigin& origin);
  bool is_left(const Extra& known) const { return origin_of(known).service == left_service_; }
  Session* restore(const Steering::Left& left);
  std::shared_ptr<SessionTunnel> take_left(const std::string& edge, std::uint64_t instance);
  bool resume(Session& session, const Route* route, const ProxyAddresses& addresses);
  void remember(const Session& session);
  void open(SessionTunnel& tunnel, std::uint64_t carrier, const RouteTable& routes, std::uint32_t wire_id,
            Bytes header);
  void move(const SessionTunnel& tunnel, std::uint64_t carrier, const RouteTable& routes,
            std::uint32_t wire_id, Bytes header);
  bool take_up(Session& session, const Route* route, const ProxyAddresses& addresses);
  void go_on(Session& session, std::uint64_t carrier);
  Reason admit(const Route* route, const Endpoint& client, std::string_view edge, Admission::Ticket& ticket);
  /// A session's end towards its backend, or why there is none.
  struct OwnEnd {
    Endpoint local;
    std::uint32_t source = 0;  // its number; the client's own has none
    Reason refusal = PST_R_COMPLETED;
    std::string text;
  };
  static Endpoint backend_for(const Route& route, const ProxyAddresses& addresses);
  Session* make(SessionTunnel& tunnel, const std::shared_ptr<const Service>& service,
                const ProxyAddresses& addresses, const Endpoint& backend, OwnEnd& own);
  OwnEnd own_end(const Service& service, const Endpoint& client, const Endpoint& backend);
  OwnEnd client_as_end(const Endpoint& client, const Endpoint& backend);
  void give_back(const Service& service, const Endpoint& backend, std::uint32_t source);
  Reason start(Session& session, const Service& service, const ProxyAddresses& addresses);
  Result<std::uint32_t> take_source(const Endpoint& backend);
  Session* add(const SessionPath& path, SessionTunnel& tunnel, const std::shared_ptr<const Service>& service);
  Session* add_to_table(const SessionPath& path, Duration idle);
  Session* find(const SessionTunnel& tunnel, std::uint32_t wire_id);
  void end_all(const SessionTunnel& tunnel, Reason reason);
  bool still_routed(const SessionTunnel& tunnel, const RouteTable& routes) const;
  void use_carrier(Extra& known, std::uint64_t carrier) { known.carrier = carrier & kCarriers; }
  void deliver(SessionTunnel& tunnel, std::uint64_t carrier, std::uint32_t wire_id, Bytes payload);
  void send(Session& session, Bytes payload);
  void refuse(std::uint64_t carrier, std::uint32_t wire_id, Reason reason, const std::string& text);
  void tell_refused(const SessionTunnel& tunnel, const Service& service, const ProxyAddresses& addresses,
                    const Endpoint& backend, Reason reason);
  void end(Session& session, Reason reason, bool tell_edge);
  void drop(LedgerLine& line, Reason reason, std::size_t bytes);
  void expire();
  void tidy();
  BackendSources& sources_of(const Endpoint& backend) { return backend.address.is_v4() ? v4_ : v6_; }
  Extra& extra(const Session& session) { return extras_[table_.index_of(session)]; }
  const Origin& origin_of(const Extra& known) const {
    return origins_[static_cast<std::uint16_t>(known.origin)];
  }
  WireIds::Key key_of(const Extra& known) const {
    return {.tunnel = origin_of(known).tunnel->number, .id = known.wire_id};
  }
  void leave(const Session& session);
  SessionReport report(const Session& session);

  const Worker& worker_;
  HubShared& shared_;
  HubCarriers& carriers_;
  SessionTable table_;
  PerSession<Extra> extras_;
  Numbered<Origin> origins_;  // of sessions
  WireIds wire_ids_;
  Ledger& ledger_;
  ServiceLedger& nobody_;  // the books of what belongs to no edge
  std::map<std::pair<std::string, std::uint64_t>, std::shared_ptr<SessionTunnel>> tunnels_;
  /// Those of the process before, by the hash of the edge's id and its instance, until the edge comes.
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::shared_ptr<SessionTunnel>> left_;
  const std::shared_ptr<const Service> left_service_ =
      std::make_shared<const Service>();  // of their sessions
  std::set<InheritedHome> inherited_;
  const std::unique_ptr<Steering> steering_;
  BackendSources v4_;
  BackendSources v6_;
  std::unique_ptr<Timer> expiry_;
  std::uint64_t tunnels_made_ = 0;
  bool expiring_ = false;
};

}  // namespace penstock
