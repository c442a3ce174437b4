// The UDP sessions of an edge's worker: opened by clients, carried by the worker's carriers, ended by
// silence.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edge/direct_sessions.h"
#include "edge/edge_carrier.h"
#include "edge/udp_services.h"
#include "steering/per_session.h"
#include "steering/steering.h"
#include "tunnel/admission.h"
#include "tunnel/ledger.h"
#include "tunnel/numbered.h"
#include "tunnel/session_report.h"

namespace penstock {

/// Finds the carriers of sessions; the worker knows which of its own are up.
class SessionCarriers {
 public:
  /// A carrier for a new session; null when none is up. `turn` spreads sessions over carriers.
  virtual EdgeCarrier* any_carrier(std::uint32_t turn) = 0;
  /// The carrier of a session in that slot; null while it is down, for the session waits for it: only there,
  /// at the hub's same worker, does it keep its source. While none takes anything new, it is the one of that
  /// serial as long as it runs. Any other when there is no such slot any more.
  virtual EdgeCarrier* carrier_in(std::uint32_t slot, std::uint32_t serial) = 0;

 protected:
  ~SessionCarriers() = default;
};

/// Owned by its worker, on the worker's thread. A client's first datagram opens a session, within the limits;
/// no answer of ours ever goes to a source on its own account. Sessions outlive carriers: to each new one a
/// session moves within a second, or with its client's next datagram, with the same id.
class EdgeSessions final : public SessionFrames, private SteeringObserver {
 public:
  EdgeSessions(const Worker& worker, EdgeShared& shared, Ledger& ledger, SessionCarriers& carriers);
  ~EdgeSessions();
  EdgeSessions(const EdgeSessions&) = delete;
  EdgeSessions& operator=(const EdgeSessions&) = delete;

  void set_services(std::shared_ptr<const UdpServices> services);
  /// Of a worker that has no carriers, and of the process before perhaps sessions that go through the tunnel:
  /// they end, so that their clients open them again where there is one.
  void end_tunnelled();
  void open_port(std::unique_ptr<BoundUdp> socket);
  /// Ends the port's sessions too.
  void close_port(const Endpoint& local, Reason reason);
  /// Opens no new sessions from now on.
  void drain() { draining_ = true; }

  Result<void> on_frame(const EdgeCarrier& carrier, FrameType type, std::uint32_t session,
                        Bytes payload) override;
  void flush() override { steering_->flush(); }
  bool serves(std::uint16_t port) const override { return services_->find(port) != nullptr; }

  /// At most `most` of those that the filter wants, and how many it wants in all.
  SessionListing sessions(const SessionFilter& filter, std::size_t most);

 private:
  /// What belongs to a session besides its path. It has a place of shared_.sessions_admission too.
  struct Extra {
    std::uint32_t carrier = 0;  // serial of the carrier on which it was opened last, of those in `slot`
    std::uint32_t asked = 0;    // serial of the carrier that the hub was asked to move it to
    std::uint16_t slot = 0;
    std::uint16_t ledger = 0;   // its number in ledgers_
    bool direct = false;        // needs no carrier
    bool acknowledged = false;  // on that carrier
    bool counted = false;       // its place is one of its service's
  };
  using Service = UdpServices::Entry;

  void on_datagram(Session& session, Bytes payload) override;
  void on_stranger(const SessionPath& path, Bytes payload) override;
  void on_overrun(const Endpoint& local, std::uint64_t datagrams) override;
  void on_lost(Reason reason, std::size_t bytes) override;
  void on_sent(Session& session, std::size_t bytes, const boost::system::error_code& error) override;

  Reason may_open(const SessionPath& path, const Service* service, Admission::Ticket& ticket);
  bool may_tell();
  void tell_limit(Reason reason, const SessionPath& path, const Service& service);
  bool adopt(const Steering::Left& left);
  void check_direct();
  void check_adopted();
  Session* add(const SessionPath& path, Duration idle);
  Session* open(const SessionPath& path, const Service& service);
  Reason start(Session& session, const Service& service);
  void forward(Session& session, Bytes payload);
  EdgeCarrier* carrier_for(const Session& session);
  void follow(Session& session);
  void from_backend(Session& session, Bytes payload);
  void deliver(SessionId id, Bytes payload);
  void end(Session& session, Reason reason, bool tell_hub);
  void drop(LedgerLine& line, Reason reason, std::size_t bytes);
  void expire();
  /// The lines of a session's datagrams, by whether they go through the tunnel.
  static LedgerLine& to_backend(ServiceLedger& ledger, bool direct) {
    return direct ? ledger.direct_to_backend : ledger.to_backend;
  }
  static LedgerLine& to_client(ServiceLedger& ledger, bool direct) {
    return direct ? ledger.direct_to_client : ledger.to_client;
  }
  void refresh(Session& session);
  /// Null: no service.
  ServiceLedger& book_of(const Service* service) {
    return service == nullptr ? nobody_ : *books_[services_->index_of(*service)];
  }
  Extra& extra(const Session& session) { return extras_[table_.index_of(session)]; }
  ServiceLedger& ledger_of(const Extra& known) const { return *ledgers_[known.ledger]; }
  void leave(const Session& session);
  static bool is_open_on(const Extra& known, const EdgeCarrier& carrier) {
    return known.carrier == carrier.serial() && known.slot == carrier.index();
  }
  SessionReport report(const Session& session);
  SessionReport report_without_route(const Session& session);

  const Worker& worker_;
  EdgeShared& shared_;
  SessionCarriers& carriers_;
  SessionTable table_;
  PerSession<Extra> extras_;
  Numbered<ServiceLedger*> ledgers_;  // of sessions
  Ledger& ledger_;
  ServiceLedger& nobody_;  // the books of what belongs to no service
  std::shared_ptr<const UdpServices> services_ = std::make_shared<const UdpServices>();
  std::vector<ServiceLedger*> books_;  // by index of services_' entries
  const std::unique_ptr<Steering> steering_;
  DirectSessions direct_;
  std::unique_ptr<Timer> expiry_;
  std::vector<std::uint32_t> sessions_on_;  // by port
  std::size_t adopted_ = 0;                 // whose services are not known yet
  Time told_{};                             // when a limit or a refusal was last told of
  bool expiring_ = false;
  bool draining_ = false;
};

}  // namespace penstock
