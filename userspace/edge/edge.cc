#include "edge/edge.h"

#include <algorithm>

#include "base/text.h"
#include "tunnel/flow_journal.h"
#include "tunnel/gather.h"

namespace penstock {
namespace {

constexpr Duration kStopTime = 1500ms;
/// How often the hub is told what we sent and received.
constexpr Duration kReportEvery = 5s;

ReportMessage traffic_of(const std::vector<LedgerRow>& rows) {
  ReportMessage report;
  for (const LedgerRow& row : rows) {
    if (row.direct) continue;  // the hub has no part in it
    if (row.flows) {
      (row.to_client ? report.streams.received_bytes : report.streams.sent_bytes) +=
          row.to_client ? row.received_bytes : row.sent_bytes;
    } else if (row.to_client) {
      report.datagrams.received += row.received;
      report.datagrams.received_bytes += row.received_bytes;
    } else {
      report.datagrams.sent += row.sent;
      report.datagrams.sent_bytes += row.sent_bytes;
    }
  }
  return report;
}

}  // namespace

Edge::Edge(const Config& config, Parts parts)
    : config_{config},
      parts_{std::move(parts)},
      address_{std::move(parts_.address)},
      shared_{.address = address_,
              .journal = parts_.journal,
              .budget = parts_.budget,
              .tunnel = config.tunnel,
              .flow = config.flow,
              .instance = parts_.instance,
              .carriers = config.edge->carriers == 0 ? static_cast<std::uint32_t>(parts_.workers.size())
                                                     : config.edge->carriers,
              .sessions_admission = parts_.sessions_admission,
              .steering = parts_.steering,
              .workers = parts_.workers.size(),
              .sessions = config.limits.sessions,
              .backend_sockets = config.limits.backend_sockets,
              .datagram_queue = config.limits.datagram_queue,
              .carrier = config.edge->carrier},
      serving_{parts_.ports == nullptr ? nullptr
                                       : parts_.ports->serve(static_cast<ListenerObserver&>(*this))},
      listeners_{[this](const Endpoint& on) { return listen_tcp(on); }},
      udp_listeners_{[this](const Endpoint& on) { return listen_udp(on); }},
      retry_timer_{parts_.control.make_timer([this] { retry_ports(); })},
      report_timer_{parts_.control.make_timer([this] { report_traffic(); })},
      held_timer_{parts_.control.make_timer([this] { expire_held(); })} {
  for (const Worker& worker : parts_.workers) {
    workers_.push_back(std::make_unique<EdgeWorker>(worker, shared_, static_cast<EdgeDesk&>(*this)));
  }
  listeners_.set_policy(*config.edge);
  udp_listeners_.set_policy(*config.edge);
}

void Edge::start() {
  fill_slots(1);
  retry_ports();
  report_timer_->arm(parts_.control.now() + kReportEvery);
}

/// A hub of the published protocol knows no second one. One that the hub refuses would never carry what comes
/// to its worker's UDP sockets.
std::uint32_t Edge::carriers_for(const Assignment& assignment) const {
  if (!assignment.penstock) return 1;
  const std::uint32_t most = assignment.penstock->carriers;
  return most == 0 ? shared_.carriers : std::min(shared_.carriers, most);
}

/// The first carrier is dialled alone, since only the hub knows how many there may be.
void Edge::fill_slots(std::uint32_t wanted) {
  const unsigned before = udp_workers();
  while (slots_.size() < wanted) {
    const auto index = static_cast<std::uint32_t>(slots_.size());
    const auto worker = static_cast<unsigned>(index % workers_.size());
    slots_.push_back({.worker = worker});
    on_worker(worker, [index](EdgeWorker& edge) { edge.add_slot(index); });
  }
  while (slots_.size() > wanted) {
    const auto index = static_cast<std::uint32_t>(slots_.size() - 1);
    if (slots_.back().up) --up_;
    on_worker(slots_.back().worker, [index](EdgeWorker& edge) { edge.drop_slot(index); });
    slots_.pop_back();
  }
  if (udp_workers() != before) share_udp_ports();
}

std::string Edge::last_error() const {
  for (const Slot& slot : slots_) {
    if (!slot.up && !slot.last_error.empty()) return slot.last_error;
  }
  return {};
}

// ---------------------------------------------------------------------------------------------- clients

void Edge::on_connection(std::unique_ptr<Connection> connection) {
  Flow flow{
      .client = connection->peer, .local = connection->local, .service = service_of(connection->local.port)};
  auto admitted = parts_.admission.admit(flow.client.address, {});
  if (const Reason* const met = std::get_if<Reason>(&admitted)) {
    record_limit(parts_.journal, *met, flow.client, flow.service, address_.edge_id);
    return refuse(*connection, flow, *met);
  }
  flow.ticket = std::get<Admission::Ticket>(std::move(admitted));
  if (up_ == 0) return hold(std::move(connection), std::move(flow));
  hand_over(std::move(connection), std::move(flow));
}

void Edge::on_accept_failed(const boost::system::error_code& error) {
  parts_.counters.count(PST_R_ACCEPT_FAILED);
  event("limit_reached", {{"reason", label_of(PST_R_ACCEPT_FAILED)}, {"text", error.message()}});
}

void Edge::refuse(Connection& connection, const Flow& flow, Reason reason) {
  parts_.counters.count(reason);
  ledger_.of(flow.service).refuse_flow(reason);
  connection.refuse();
}

/// Round robin over the carriers that are up; the worker takes the emptiest of its own.
void Edge::hand_over(std::unique_ptr<Connection> connection, Flow flow) {
  for (std::size_t tried = 0; tried < slots_.size(); ++tried) {
    const Slot& slot = slots_[turn_++ % slots_.size()];
    if (!slot.up) continue;
    return on_worker(slot.worker, [connection = std::move(connection),
                                   flow = std::move(flow)](EdgeWorker& worker) mutable {
      worker.open(std::move(connection), std::move(flow));
    });
  }
  refuse(*connection, flow, PST_R_TUNNEL_DOWN);
}

void Edge::hold(std::unique_ptr<Connection> connection, Flow flow) {
  if (held_.size() >= config_.limits.held_connections) {
    event("limit_reached", {{"reason", label_of(PST_R_HOLD_FULL)}, {"client", flow.client.to_string()}});
    return refuse(*connection, flow, PST_R_HOLD_FULL);
  }
  const Time until = parts_.control.now() + config_.flow.hold;
  held_.push_back({std::move(connection), std::move(flow), until});
  if (held_.size() == 1) held_timer_->arm(until);
}

void Edge::expire_held() {
  const Time now = parts_.control.now();
  while (!held_.empty() && held_.front().until <= now) {
    Held& held = held_.front();
    event("stream_refused",
          {{"reason", label_of(PST_R_TUNNEL_DOWN)}, {"client", held.flow.client.to_string()}});
    refuse(*held.connection, held.flow, PST_R_TUNNEL_DOWN);
    held_.pop_front();
  }
  if (!held_.empty()) held_timer_->arm(held_.front().until);
}

void Edge::release_held() {
  while (!held_.empty()) {
    hand_over(std::move(held_.front().connection), std::move(held_.front().flow));
    held_.pop_front();
  }
}

std::string Edge::service_of(std::uint16_t port) const {
  for (const AssignedService& service : services_) {
    if (service.ports.contains(port)) return service.name;
  }
  return {};
}

// ---------------------------------------------------------------------------------------------- tunnel

void Edge::on_slot_up(std::uint32_t slot, Assignment assignment) {
  parts_.control.post([this, slot, assignment = std::move(assignment)] { slot_up(slot, assignment); });
}

void Edge::on_slot_config(std::uint32_t slot, Assignment assignment) {
  parts_.control.post(
      [this, slot, assignment = std::move(assignment)] { take_assignment(slot, assignment); });
}

void Edge::on_slot_down(std::uint32_t slot, Reason reason, std::string text) {
  parts_.control.post([this, slot, reason, text = std::move(text)] { slot_down(slot, reason, text); });
}

void Edge::on_slot_fallback(std::uint32_t slot, Reason reason, std::string text) {
  parts_.control.post([this, slot, reason, text = std::move(text)] {
    const bool back = reason == PST_R_COMPLETED;
    event("carrier_fallback", {{"edge", address_.edge_id},
                               {"carrier", slot},
                               {"to", back ? "quic" : "tls"},
                               {"reason", label_of(reason)},
                               {"error", printable(text, 400)}});
  });
}

void Edge::slot_up(std::uint32_t slot, const Assignment& assignment) {
  if (slot >= slots_.size()) return;  // dropped meanwhile
  const bool first = !std::exchange(slots_[slot].up, true) && up_++ == 0;
  event("carrier_up",
        {{"edge", address_.edge_id}, {"carrier", slot}, {"legacy", !assignment.penstock.has_value()}});
  if (first) {
    event("tunnel_up", {{"edge", address_.edge_id}, {"hub", address_.hub.to_string()}});
    report_traffic();  // where the hub begins to compare
  }
  if (!stopped_) fill_slots(carriers_for(assignment));
  if (slot >= slots_.size()) return;
  take_assignment(slot, assignment);
  release_held();
}

void Edge::slot_down(std::uint32_t slot, Reason reason, const std::string& text) {
  if (slot >= slots_.size()) return;
  Slot& down = slots_[slot];
  down.last_error = std::string{label_of(reason)} + (text.empty() ? "" : ": " + text);
  down.idle = true;
  const boost::json::object what{{"edge", address_.edge_id},
                                 {"carrier", slot},
                                 {"reason", label_of(reason)},
                                 {"error", printable(text, 400)}};
  if (std::exchange(down.up, false)) {
    --up_;
    reported_.reset();
    event("carrier_down", what);
    if (up_ == 0) event("tunnel_down", what);
    if (!stopped_) ask_hub();
  } else if (!stopped_) {
    event("dial_failed", what);
  }
  check_stopped();
}

/// What ended one carrier may have ended the others, which without traffic would notice late.
void Edge::ask_hub() {
  for (const Worker& worker : parts_.workers)
    on_worker(worker.index, [](EdgeWorker& edge) { edge.ask_hub(); });
}

std::optional<std::uint32_t> Edge::slot_that_is_up() const {
  const auto up = std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.up; });
  if (up == slots_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(up - slots_.begin());
}

void Edge::report_traffic() {
  report_timer_->arm(parts_.control.now() + kReportEvery);
  if (up_ == 0) return;
  gather<LedgerRow>(
      parts_.control, *this, [](EdgeWorker& worker) { return worker.ledger().rows(); },
      [this](const std::vector<LedgerRow>& rows) { send_report(rows); });
}

void Edge::send_report(const std::vector<LedgerRow>& rows) {
  const auto slot = slot_that_is_up();
  if (!slot) return;
  const ReportMessage report = traffic_of(rows);
  if (report == reported_) return;
  reported_ = report;
  on_worker(slots_[*slot].worker, [slot = *slot, json = to_json(report)](EdgeWorker& worker) {
    worker.send(slot, FrameType::kReport, json);
  });
}

// ---------------------------------------------------------------------------------------------- life

std::vector<std::string> Edge::reload(const Config& config) {
  std::vector<std::string> changes;
  const PortSet before = listeners_.permitted();
  const bool same = config.edge->bind == config_.edge->bind &&
                    config.edge->ports_allow == config_.edge->ports_allow &&
                    config.edge->ports_deny == config_.edge->ports_deny;
  const bool same_direct = config.edge->direct_to == config_.edge->direct_to;
  config_ = config;
  if (!same_direct && assignment_) take_udp();
  if (same) return changes;
  listeners_.set_policy(*config.edge);
  udp_listeners_.set_policy(*config.edge);
  changes.push_back("ports open: " + listeners_.open().to_string() +
                    "; UDP: " + udp_listeners_.open().to_string());
  const PortSet denied = before.difference(listeners_.permitted());
  if (!denied.empty()) {
    for (const Worker& worker : parts_.workers) {
      on_worker(worker.index, [denied](EdgeWorker& edge) { edge.reset_flows(denied, PST_R_PORT_DENIED); });
    }
  }
  report_changed_ports();
  return changes;
}

void Edge::drain() {
  draining_ = true;
  listeners_.close_for_good();  // UDP ports stay for the sessions that are there
  for (const Worker& worker : parts_.workers) {
    on_worker(worker.index, [](EdgeWorker& edge) { edge.sessions().drain(); });
  }
  while (!held_.empty()) {
    refuse(*held_.front().connection, held_.front().flow, PST_R_DRAINING);
    held_.pop_front();
  }
}

void Edge::stop(std::function<void()> done) {
  drain();
  retry_timer_->cancel();
  report_timer_->cancel();
  stopped_ = std::move(done);
  for (Slot& slot : slots_) slot.idle = false;
  stop_timer_ = parts_.control.make_timer([this] {
    if (stopped_) std::exchange(stopped_, nullptr)();
  });
  stop_timer_->arm(parts_.control.now() + kStopTime);
  for (const Worker& worker : parts_.workers) {
    on_worker(worker.index, [](EdgeWorker& edge) { edge.stop(PST_R_SHUTDOWN); });
  }
}

void Edge::check_stopped() {
  const bool all =
      std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.idle && !slot.up; });
  if (stopped_ && all) std::exchange(stopped_, nullptr)();
}

}  // namespace penstock
