// The hub on one worker: the carriers that live there and their flows.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "hub/hub_sessions.h"
#include "hub/route_table.h"
#include "hub/tunnel_registry.h"
#include "proto/handshake.h"
#include "proto/messages.h"
#include "quic/quic_endpoint.h"
#include "tunnel/admission.h"
#include "tunnel/carrier.h"
#include "tunnel/journal.h"
#include "tunnel/worker.h"

namespace penstock {

class HubCarrier;

/// What the workers ask of and tell the hub. Any worker's thread calls; the hub hands it over to its own.
class HubDesk {
 public:
  struct Caller {
    CarrierId id;
    Endpoint peer;
  };
  /// Somebody has shaken hands with the worker itself, over QUIC, or is gone before. Comes before all else of
  /// that caller.
  virtual void on_caller(const Caller& caller) = 0;
  virtual void on_line(const Caller& caller, EdgeLine line) = 0;
  /// The carrier reads nothing more until it was moved or resumed.
  virtual void on_hello(const Caller& caller, HelloMessage hello) = 0;
  virtual void on_legacy(const Caller& caller) = 0;
  /// The carrier of that HELLO is on this worker now.
  virtual void on_moved(const Caller& caller, std::uint64_t instance, std::uint32_t index) = 0;
  virtual void on_config_result(const Caller& caller, ConfigResultMessage result) = 0;
  virtual void on_report(const Caller& caller, const ReportMessage& report) = 0;
  /// The connection is gone, at whatever stage; the last word about it.
  virtual void on_gone(const Caller& caller, Reason reason, std::string text) = 0;

 protected:
  ~HubDesk() = default;
};

/// What all workers of a hub share; lives until every worker's thread has ended.
struct HubShared {
  HubDesk& desk;
  Journal& journal;
  Admission& admission;
  WindowBudget& budget;  // for what comes from edges
  TlsContext& tls;
  QuicTls& quic;
  TunnelConfig tunnel;
  FlowConfig flow;
  Admission& sessions_admission;
  SteeringMaker& steering;
  std::size_t workers;
  LimitsConfig limits;                        // of all workers together, as at the start
  std::atomic<std::uint64_t> last_number{0};  // of a connection, on whatever worker
};

struct CarrierSummary {
  CarrierId id;
  std::string edge;
  std::string peer;
  std::string local;
  std::string cipher;
  Duration age{};
  CarrierReport report;
};

struct FlowSummary {
  std::string edge;
  std::uint64_t instance = 0;  // of the edge, and index of the carrier, as HELLO told
  std::uint32_t carrier = 0;
  FlowReport flow;
};

/// Used on its worker's thread.
class HubWorker final : private HubCarriers, private QuicEndpointObserver {
 public:
  HubWorker(const Worker& worker, HubShared& shared);
  ~HubWorker();
  HubWorker(const HubWorker&) = delete;
  HubWorker& operator=(const HubWorker&) = delete;

  /// Takes connections of QUIC there: this worker's share of those that come to the address.
  void listen(std::unique_ptr<BoundUdp> socket);
  void stop_listening();
  /// Of strangers who shake hands; the others stay as they were.
  void set_limits(const LimitsConfig& limits);
  /// A connection that somebody made to the hub's port.
  void add(std::uint64_t number, std::unique_ptr<Connection> connection);
  void accept(std::uint64_t number, const std::string& edge, const std::string& answer,
              std::shared_ptr<const RouteTable> routes);
  void refuse(std::uint64_t number, Reason reason, const std::string& message);
  /// Hands the carrier, which has said HELLO and waits, to another worker.
  void move(std::uint64_t number, HubWorker& to);
  /// The carrier that has said HELLO may go on.
  void resume(std::uint64_t number);
  void set_routes(std::uint64_t number, std::shared_ptr<const RouteTable> routes);
  void send(std::uint64_t number, FrameType type, const std::string& payload);
  void go_away(std::uint64_t number, const GoAwayMessage& message);
  void close(std::uint64_t number, Reason reason, const std::string& text,
             std::chrono::milliseconds retry_after);
  void go_away_all(const GoAwayMessage& message);
  void close_all(Reason reason);

  std::vector<CarrierSummary> carriers() const;
  /// What came to the addresses that it listens on, by address.
  std::vector<QuicEndpointReport> quic_doors() const;
  std::vector<FlowSummary> flows() const;
  HubSessions& sessions() { return sessions_; }
  Ledger& ledger() { return ledger_; }

 private:
  friend class HubCarrier;
  void on_connection(std::unique_ptr<QuicConnection> connection) override;
  QuicLimits quic_limits() const;
  HubCarrier* find(std::uint64_t number) const;
  void gone(std::uint64_t number);
  Carrier* carrier(std::uint64_t number) override;
  std::optional<std::uint32_t> index_of(std::uint64_t number) override;

  const Worker worker_;
  HubShared& shared_;
  LimitsConfig limits_;
  Ledger ledger_;
  HubSessions sessions_;
  std::vector<std::unique_ptr<QuicEndpoint>> endpoints_;  // before what is on them
  std::map<std::uint64_t, std::unique_ptr<HubCarrier>> carriers_;
};

}  // namespace penstock
