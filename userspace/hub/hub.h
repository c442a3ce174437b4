// The hub: where edges dial, which of them may, what they are assigned, and where their traffic goes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "hub/attempt_limiter.h"
#include "hub/edge_directory.h"
#include "hub/hub_identity.h"
#include "hub/hub_worker.h"
#include "hub/service_catalog.h"
#include "hub/tunnel_books.h"
#include "hub/tunnel_registry.h"

namespace penstock {

/// What became of a port at an edge.
struct PortState {
  std::string edge;
  std::string service;
  Protocol protocol = Protocol::kTcp;  // or kUdp
  PortRange ports;
  std::string_view state;         // listening, failed, pending or offline
  Reason reason = PST_R_UNKNOWN;  // of a failed one
  std::string message;
};

struct EdgeState {
  EdgeDirectory::Entry entry;
  const TunnelRegistry::Tunnel* tunnel = nullptr;  // null: not connected
  std::string address;
  std::size_t ports_failed = 0;
};

/// Composition root of the role. Lives on the control loop's thread; its workers' parts are reached by
/// posting. Everything it is given outlives it, and it outlives the threads of all loops.
class Hub final : private ListenerObserver, private HubDesk {
 public:
  struct Parts {
    Loop& control;
    Network& network;    // of the control loop
    Counters& counters;  // of the control loop's thread
    std::vector<Worker> workers;
    Store& store;
    Journal& journal;
    Admission& admission;           // of TCP connections
    Admission& sessions_admission;  // of UDP sessions
    SteeringMaker& steering;
    WindowBudget& budget;
    HubIdentity identity;
    EdgeDirectory::WallClock wall_clock;
  };

  Hub(const Config& config, Parts parts);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// Loads edges and services, then listens. An error names what cannot be opened.
  Result<void> start();
  /// Applies what differs; sentences tell what changed.
  Result<std::vector<std::string>> reload(const Config& config);
  /// Takes no new edges and asks the connected ones to open nothing more.
  void drain();
  /// Says goodbye on all carriers; `done` is called when all are gone or after a second and a half.
  void stop(std::function<void()> done);

  Result<std::string> add_edge(const std::string& id, const std::string& hub, const std::string& secret);
  Result<std::string> rotate_edge(const std::string& id, const std::string& hub);
  Result<void> remove_edge(const std::string& id);
  Result<void> add_service(const Service& service);
  Result<void> change_service(const Service& service);
  Result<void> remove_service(const std::string& name);
  Result<void> drain_service(const std::string& name, bool on);

  const ServiceCatalog& services() const { return catalog_; }
  std::vector<EdgeState> edges() const;
  std::vector<PortState> ports() const;
  const TunnelRegistry& tunnels() const { return registry_; }
  const TunnelBooks& books() const { return books_; }
  const PublicKeyHash& pin() const { return identity_.pin; }
  std::vector<Endpoint> listening() const;
  std::size_t edges_known() const { return directory_.size(); }
  std::vector<std::unique_ptr<HubWorker>>& workers() { return workers_; }
  const Worker& worker(std::size_t index) const { return parts_.workers[index]; }

 private:
  /// A connection from accept to its end.
  struct Guest {
    CarrierId id;
    Endpoint peer;
    std::string edge;         // once the secret was right
    bool handshaking = true;  // counted as unfinished
    std::uint64_t told_generation = 0;
    bool placed = false;
    bool moves = true;  // to another worker, where it has to
  };
  /// What a connected edge was told and has answered.
  struct Assigned {
    std::uint64_t generation = 0;
    ConfigResultMessage result;  // generation 0: none yet
    std::string assignment;      // the JSON without its generation, to see what changed
  };

  // Connections (hub.cc)
  void on_connection(std::unique_ptr<Connection> connection) override;
  void on_accept_failed(const boost::system::error_code& error) override;
  void on_caller(const Caller& caller) override;
  void on_line(const Caller& caller, EdgeLine line) override;
  void on_hello(const Caller& caller, HelloMessage hello) override;
  void on_legacy(const Caller& caller) override;
  void on_moved(const Caller& caller, std::uint64_t instance, std::uint32_t index) override;
  void on_config_result(const Caller& caller, ConfigResultMessage result) override;
  void on_report(const Caller& caller, const ReportMessage& report) override;
  void on_gone(const Caller& caller, Reason reason, std::string text) override;
  void judge(const Caller& caller, const EdgeLine& line);
  void take_home(const Caller& caller, const HelloMessage& hello);
  void arrived(const Caller& caller, std::uint64_t instance, std::uint32_t index);
  void place(Guest& guest, const HelloMessage& hello, bool legacy);
  void farewell(const Caller& caller, Reason reason, const std::string& text);
  void take_result(const Caller& caller, const ConfigResultMessage& result);
  void take_report(const Caller& caller, const ReportMessage& report);
  void refuse(CarrierId id, Reason reason, std::string message);
  void end_handshake(Guest& guest);
  void send_config(const std::string& edge, CarrierId id);
  Result<void> listen();
  Result<void> listen_on(const Endpoint& endpoint);
  Result<void> listen_quic(const Endpoint& endpoint);
  void stop_listening();
  void welcome(const Caller& caller);

  // Services and edges (hub_assignments.cc)
  void services_changed();
  void assign(const std::string& edge);
  void forget_edge(const std::string& id);
  void close_carriers_of(const std::string& edge, Reason reason);
  void keep_sessions_of(const std::string& edge, std::uint64_t instance, Reason reason);
  void resolve_names();
  Result<std::string> token_for(const std::string& id, const std::string& hub,
                                const std::string& secret) const;
  Assignment assignment_for(const std::string& edge, std::uint64_t generation) const;
  void add_ports(std::vector<PortState>& out, PortState of, const PortSet& ports) const;
  void event(std::string_view name, boost::json::object fields) {
    parts_.journal.event(name, std::move(fields));
  }

  template <class F>
  void on_worker(unsigned index, F work) {
    parts_.workers[index].loop.post(
        [&worker = *workers_[index], work = std::move(work)]() mutable { work(worker); });
  }

  Config config_;
  Parts parts_;
  HubIdentity identity_;
  HubShared shared_;
  AttemptLimiter limiter_;
  EdgeDirectory directory_;
  ServiceCatalog catalog_;
  TunnelRegistry registry_;
  TunnelBooks books_;
  const std::uint64_t instance_;  // random per start
  std::uint64_t generation_ = 0;
  std::map<std::uint64_t, Guest> guests_;     // by number
  std::map<std::string, Assigned> assigned_;  // by edge id, for those with guests
  std::vector<std::unique_ptr<HubWorker>> workers_;
  std::vector<std::pair<Endpoint, std::unique_ptr<Pending>>> listeners_;
  std::vector<std::unique_ptr<Pending>> lookups_;
  std::unique_ptr<Timer> resolve_timer_;
  std::unique_ptr<Timer> stop_timer_;
  std::function<void()> stopped_;
  bool draining_ = false;
};

}  // namespace penstock
