// The ports of an edge: what the hub assigns, what became of each, and what the hub is told of it.
#include <algorithm>

#include "base/text.h"
#include "edge/edge.h"

namespace penstock {
namespace {

/// How often a port that another program held, or that could not be opened, is tried again.
constexpr Duration kRetryPorts = 10s;

}  // namespace

/// A UDP port, which its sessions do not outlive.
class Edge::UdpPort : public Pending {
 public:
  UdpPort(Edge& edge, const Endpoint& local) : edge_{edge}, local_{local} {}
  ~UdpPort() override {
    for (const Worker& worker : edge_.parts_.workers) {
      edge_.on_worker(worker.index, [local = local_](EdgeWorker& there) {
        there.sessions().close_port(local, PST_R_SERVICE_REMOVED);
      });
    }
  }

 private:
  Edge& edge_;
  const Endpoint local_;
};

/// One that kernel programs know.
class Edge::SteeredPort final : public UdpPort {
 public:
  SteeredPort(Edge& edge, const Endpoint& local, std::unique_ptr<Pending> open)
      : UdpPort{edge, local}, open_{std::move(open)} {}

 private:
  const std::unique_ptr<Pending> open_;
};

/// The workers that have a carrier slot: only those can carry what their sockets receive.
unsigned Edge::udp_workers() const {
  return static_cast<unsigned>(std::min(slots_.size(), workers_.size()));
}

void Edge::share_udp_ports() {
  if (parts_.ports != nullptr) return parts_.ports->share_among(udp_workers());
  udp_listeners_.reopen();
}

Result<std::unique_ptr<Pending>> Edge::listen_tcp(const Endpoint& on) {
  if (parts_.ports != nullptr) return parts_.ports->open(on, false);
  return parts_.network.listen(on, static_cast<ListenerObserver&>(*this));
}

/// A socket at each worker that has carriers.
Result<std::unique_ptr<Pending>> Edge::listen_udp(const Endpoint& on) {
  if (parts_.ports != nullptr) {
    auto open = parts_.ports->open(on, true);
    if (!open) return open.error();
    return std::unique_ptr<Pending>{std::make_unique<SteeredPort>(*this, on, std::move(*open))};
  }
  auto sockets = parts_.network.bind_udp(on, udp_workers());
  if (!sockets) return sockets.error();
  for (unsigned i = 0; i < sockets->size(); ++i) {
    on_worker(i, [socket = std::move((*sockets)[i])](EdgeWorker& worker) mutable {
      worker.sessions().open_port(std::move(socket));
    });
  }
  return std::unique_ptr<Pending>{std::make_unique<UdpPort>(*this, on)};
}

/// Carriers come up in any order: only what is newer than what we have counts.
bool Edge::is_news(const Assignment& assignment) const {
  if (!assignment.penstock) return true;
  return assignment.penstock->instance != hub_instance_ || assignment.penstock->generation >= generation_;
}

void Edge::take_assignment(std::uint32_t slot, const Assignment& assignment) {
  if (draining_ || slot >= slots_.size() || !is_news(assignment)) return;
  hub_instance_ = assignment.penstock ? assignment.penstock->instance : 0;
  generation_ = assignment.penstock ? assignment.penstock->generation : 0;
  assignment_ = assignment;
  services_ = assignment.penstock ? assignment.penstock->services : std::vector<AssignedService>{};
  const PortSet wanted = ports_of(assignment);
  const bool first = listeners_.wanted().empty();
  const bool changed = wanted != listeners_.wanted();
  const PortSet gone = listeners_.wanted().difference(wanted);
  listeners_.assign(wanted);
  if (!gone.empty()) {
    for (const Worker& worker : parts_.workers) {
      on_worker(worker.index, [gone](EdgeWorker& edge) { edge.reset_flows(gone, PST_R_SERVICE_REMOVED); });
    }
  }
  if (changed) {
    event(
        first ? "ports_assigned" : "ports_changed",
        {{"edge", address_.edge_id}, {"ports", wanted.to_string()}, {"open", listeners_.open().to_string()}});
  }
  take_udp();
  report_ports(slot);
}

void Edge::take_udp() {
  const UdpServices::Policy policy{.by_programs = parts_.ports != nullptr, .to = config_.edge->direct_to};
  const auto services = std::make_shared<const UdpServices>(*assignment_, policy);
  tell_refused(services->refused());
  for (const Worker& worker : parts_.workers) {
    const bool carries = worker.index < udp_workers();
    on_worker(worker.index, [services, carries](EdgeWorker& edge) {
      edge.sessions().set_services(services);
      if (!carries) edge.sessions().end_tunnelled();
    });
  }
  if (parts_.ports != nullptr) {
    for (const UdpServices::Entry& entry : services->entries()) {
      for (std::uint32_t port = entry.ports.first; port <= entry.ports.last; ++port)
        parts_.ports->set_service(static_cast<std::uint16_t>(port), true, entry.service);
    }
  }
  const PortSet wanted = udp_ports_of(*assignment_);
  const bool first = udp_listeners_.wanted().empty();
  const bool changed = wanted != udp_listeners_.wanted();
  udp_listeners_.assign(wanted);
  if (!changed) return;
  event(first ? "ports_assigned" : "ports_changed", {{"edge", address_.edge_id},
                                                     {"protocol", "udp"},
                                                     {"ports", wanted.to_string()},
                                                     {"open", udp_listeners_.open().to_string()}});
}

void Edge::tell_refused(const std::vector<UdpServices::Refused>& refused) {
  for (const UdpServices::Refused& one : refused) {
    if (std::find(told_refused_.begin(), told_refused_.end(), one) != told_refused_.end()) continue;
    event("direct_refused", {{"edge", address_.edge_id}, {"service", one.service}, {"text", one.why}});
  }
  told_refused_ = refused;
}

std::vector<PortFailure> Edge::port_failures() const {
  auto failures = listeners_.failures();
  for (PortFailure& failure : udp_listeners_.failures()) {
    failure.udp = true;
    failures.push_back(std::move(failure));
  }
  return failures;
}

void Edge::report_ports(std::uint32_t slot) {
  auto failures = port_failures();
  if (failures != reported_failures_) {
    for (const PortFailure& failure : failures) {
      parts_.counters.count(failure.reason);
      event("port_failed", {{"edge", address_.edge_id},
                            {"protocol", failure.udp ? "udp" : "tcp"},
                            {"ports", failure.ports.to_string()},
                            {"reason", label_of(failure.reason)},
                            {"text", failure.message}});
    }
  }
  reported_failures_ = failures;
  const ConfigResultMessage result{.generation = generation_,
                                   .ok = listeners_.open(),
                                   .udp_ok = udp_listeners_.open(),
                                   .failed = std::move(failures)};
  on_worker(slots_[slot].worker, [slot, json = to_json(result)](EdgeWorker& worker) {
    worker.send(slot, FrameType::kConfigResult, json);
  });
}

void Edge::retry_ports() {
  retry_timer_->arm(parts_.control.now() + kRetryPorts);
  if (draining_ || (!listeners_.has_failures() && !udp_listeners_.has_failures())) return;
  listeners_.assign(PortSet{listeners_.wanted()});
  udp_listeners_.assign(PortSet{udp_listeners_.wanted()});
  if (port_failures() != reported_failures_) report_changed_ports();
}

void Edge::report_changed_ports() {
  if (const auto slot = slot_that_is_up()) report_ports(*slot);
}

}  // namespace penstock
