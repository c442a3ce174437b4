// The edge: public ports in front, a tunnel to the hub behind.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "edge/edge_worker.h"
#include "edge/hub_address.h"
#include "edge/port_listeners.h"
#include "edge/public_ports.h"
#include "tunnel/admission.h"

namespace penstock {

/// Composition root of the role. Lives on the control loop's thread; its workers' parts are reached by
/// posting. Everything it is given outlives it, and it outlives the threads of all loops.
class Edge final : private ListenerObserver, private EdgeDesk {
 public:
  struct Parts {
    Loop& control;
    Network& network;    // of the control loop
    Counters& counters;  // of the control loop's thread
    std::vector<Worker> workers;
    Journal& journal;
    Admission& admission;           // of TCP connections
    Admission& sessions_admission;  // of UDP sessions
    SteeringMaker& steering;
    PublicPorts* ports;      // null: a socket for each port
    std::uint64_t instance;  // random, unless sessions of the process before were taken over
    WindowBudget& budget;
    HubAddress address;
  };

  Edge(const Config& config, Parts parts);
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  void start();
  /// Applies what differs of the edge's own policy; sentences tell what came of it, beside the keys.
  std::vector<std::string> reload(const Config& config);
  /// Takes no new connections.
  void drain();
  /// Says goodbye on all carriers; `done` is called when all are gone or after a second and a half.
  void stop(std::function<void()> done);

  bool connected() const { return up_ > 0; }
  std::uint32_t carriers_up() const { return up_; }
  std::uint32_t carriers_wanted() const { return static_cast<std::uint32_t>(slots_.size()); }
  std::string last_error() const;
  const HubAddress& address() const { return address_; }
  std::uint64_t instance() const { return shared_.instance; }
  const PortListeners& ports() const { return listeners_; }
  const PortListeners& udp_ports() const { return udp_listeners_; }
  const std::vector<AssignedService>& services() const { return services_; }
  std::size_t held() const { return held_.size(); }
  /// Of flows that were refused before any worker had them.
  const Ledger& ledger() const { return ledger_; }
  std::vector<std::unique_ptr<EdgeWorker>>& workers() { return workers_; }
  const Worker& worker(std::size_t index) const { return parts_.workers[index]; }

 private:
  struct Slot {
    unsigned worker = 0;
    bool up = false;
    bool idle = false;
    std::string last_error;
  };
  class UdpPort;
  class SteeredPort;
  /// A client that came while there was no tunnel.
  struct Held {
    std::unique_ptr<Connection> connection;
    Flow flow;
    Time until;
  };

  void on_connection(std::unique_ptr<Connection> connection) override;
  void on_accept_failed(const boost::system::error_code& error) override;
  void on_slot_up(std::uint32_t slot, Assignment assignment) override;
  void on_slot_config(std::uint32_t slot, Assignment assignment) override;
  void on_slot_down(std::uint32_t slot, Reason reason, std::string text) override;
  void on_slot_fallback(std::uint32_t slot, Reason reason, std::string text) override;

  Result<std::unique_ptr<Pending>> listen_tcp(const Endpoint& on);
  Result<std::unique_ptr<Pending>> listen_udp(const Endpoint& on);
  unsigned udp_workers() const;
  void share_udp_ports();
  std::uint32_t carriers_for(const Assignment& assignment) const;
  void fill_slots(std::uint32_t wanted);
  void slot_up(std::uint32_t slot, const Assignment& assignment);
  void slot_down(std::uint32_t slot, Reason reason, const std::string& text);
  void take_assignment(std::uint32_t slot, const Assignment& assignment);
  void take_udp();
  void tell_refused(const std::vector<UdpServices::Refused>& refused);
  bool is_news(const Assignment& assignment) const;
  void report_changed_ports();
  void ask_hub();
  void report_traffic();
  void send_report(const std::vector<LedgerRow>& rows);
  std::optional<std::uint32_t> slot_that_is_up() const;
  std::vector<PortFailure> port_failures() const;
  void report_ports(std::uint32_t slot);
  void retry_ports();
  void hand_over(std::unique_ptr<Connection> connection, Flow flow);
  void hold(std::unique_ptr<Connection> connection, Flow flow);
  void release_held();
  void expire_held();
  void refuse(Connection& connection, const Flow& flow, Reason reason);
  std::string service_of(std::uint16_t port) const;
  void check_stopped();
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
  HubAddress address_;
  EdgeShared shared_;
  std::vector<std::unique_ptr<EdgeWorker>> workers_;
  std::vector<Slot> slots_;
  std::uint32_t up_ = 0;
  std::uint32_t turn_ = 0;  // the slot that takes the next flow
  Ledger ledger_;
  std::unique_ptr<Pending> serving_;  // all TCP ports, where they have no socket each
  PortListeners listeners_;
  PortListeners udp_listeners_;
  std::vector<AssignedService> services_;
  std::optional<Assignment> assignment_;            // the newest
  std::vector<UdpServices::Refused> told_refused_;  // direct services that go through the tunnel
  std::uint64_t hub_instance_ = 0;
  std::uint64_t generation_ = 0;
  std::vector<PortFailure> reported_failures_;
  std::unique_ptr<Timer> retry_timer_;
  std::unique_ptr<Timer> report_timer_;
  std::optional<ReportMessage> reported_;  // which the hub has, unless a carrier took it along
  std::deque<Held> held_;
  std::unique_ptr<Timer> held_timer_;
  std::unique_ptr<Timer> stop_timer_;
  std::function<void()> stopped_;
  bool draining_ = false;
};

}  // namespace penstock
