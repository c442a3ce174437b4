// The node: one running daemon. Makes every object and passes it by reference.
#pragma once

#include <boost/asio/signal_set.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/event_log.h"
#include "admin/router.h"
#include "admin/server.h"
#include "config/config.h"
#include "edge/edge.h"
#include "hub/hub.h"
#include "net/asio_loop.h"
#include "net/asio_network.h"
#include "node/access_log.h"
#include "node/node_journal.h"
#include "node/plane_ports.h"
#include "node/plane_watch.h"
#include "node/state_lock.h"
#include "node/workers.h"
#include "steering/kernel_plane.h"
#include "steering/socket_steering.h"
#include "store/store.h"
#include "tunnel/admission.h"
#include "tunnel/window.h"

namespace penstock {

/// Where the configuration came from, so that it can be read again.
struct ConfigSource {
  std::string path;
  Environment environment;
  Overrides overrides;
};

/// Lives on the main thread, whose loop is the control loop.
class Node {
 public:
  /// `lock` is of the state directory, where there was one. `plane` is null where sockets steer, and
  /// `why_sockets` says why.
  Node(Config config, ConfigSource source, StateLock lock, std::unique_ptr<KernelPlane> plane,
       std::string why_sockets);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Opens everything; an error names what cannot be opened.
  Result<void> start();
  /// Runs until a signal has ended it.
  void run();

  // What the admin API looks at and changes (api_looks.cc, api_verbs.cc, metrics_report.cc).
  const Config& config() const { return config_; }
  Hub* hub() { return hub_.get(); }
  Edge* edge() { return edge_.get(); }
  /// Null where sockets steer; then why.
  KernelPlane* plane() { return plane_.get(); }
  const std::string& why_sockets() const { return why_sockets_; }
  /// The edge's, where the plane steers.
  const PlanePorts* plane_ports() const { return ports_.get(); }
  Loop& control() { return control_; }
  Duration uptime() const { return control_.now() - started_; }
  /// Why the node is not ready to serve; empty when it is.
  std::vector<std::string> why_not_ready() const;
  bool draining() const { return draining_; }
  /// TCP connections and UDP sessions.
  std::uint32_t flows_open() const { return connections_open() + sessions_open(); }
  std::uint32_t connections_open() const { return admission_.open(); }
  std::uint32_t sessions_open() const { return sessions_admission_.open(); }
  /// Over all threads.
  std::uint64_t total(Counter Counters::*which) const;
  std::uint64_t total(Reason reason) const;
  const WindowBudget& to_backend() const { return to_backend_; }
  const WindowBudget& to_client() const { return to_client_; }
  const std::string& log_level() const { return log_level_; }
  Result<void> set_log_level(const std::string& level);

  struct Reloaded {
    std::vector<std::string> changed;
    std::vector<std::string> restart_needed;
  };
  Result<Reloaded> reload();
  /// Takes no new flows and tells the peers; does not end.
  void drain();

 private:
  Result<void> start_hub();
  Result<void> start_edge();
  void make_steering();
  void watch_network();
  Result<void> set_guard_limits();
  Result<void> start_admin();
  void close_admin();
  void watch_signals();
  void on_signal(int number);
  void end_when_drained();
  void end();
  void ended();

  Config config_;
  const ConfigSource source_;
  StateLock lock_;
  std::string log_level_;
  AsioLoop control_;
  AsioNetwork network_{control_};
  Counters counters_;  // of the control thread
  const Time started_;
  EventLog events_;
  std::unique_ptr<AccessLog> access_log_;
  NodeJournal journal_;
  Admission admission_;           // of TCP connections
  Admission sessions_admission_;  // of UDP sessions
  WindowBudget to_backend_;       // what edges may send to this node as hub
  WindowBudget to_client_;        // what a hub may send to this node as edge
  std::optional<Store> store_;
  Workers workers_;
  const std::unique_ptr<KernelPlane> plane_;
  const std::string why_sockets_;
  std::unique_ptr<PlanePorts> ports_;
  std::unique_ptr<SteeringMaker> hub_steering_;
  std::unique_ptr<SteeringMaker> edge_steering_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Edge> edge_;
  std::unique_ptr<PlaneWatch> watch_;
  Router router_;
  AdminServer admin_;
  boost::asio::signal_set signals_;
  std::unique_ptr<Timer> drain_timer_;
  Time drain_until_ = kNever;
  unsigned roles_ending_ = 0;
  bool draining_ = false;
  bool ending_ = false;
};

/// Registers the answers of the admin API.
void add_looks(Router& router, Node& node);
void add_port_looks(Router& router, Node& node);
void add_session_looks(Router& router, Node& node);
void add_verbs(Router& router, Node& node);
void add_metrics(Router& router, Node& node);

}  // namespace penstock
