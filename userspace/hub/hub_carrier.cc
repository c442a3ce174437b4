#include "hub/hub_carrier.h"

#include <array>

#include "base/text.h"
#include "proto/proxy_header.h"
#include "tunnel/flow_journal.h"
#include "tunnel/framed_carrier.h"
#include "tunnel/quic_carrier.h"

namespace penstock {
namespace {

constexpr std::size_t kLeftoverLimit = 65536;
/// How long a refused edge may take to read why.
constexpr Duration kRefusalTime = 1s;

LinkOptions backend_options(const FlowConfig& flow) {
  return {.keepalive = flow.keepalive,
          .keepalive_interval = flow.keepalive_interval,
          .keepalive_probes = flow.keepalive_probes,
          .unsent_limit = 0};
}

std::string proxy_preface(const Service& service, const Flow& flow) {
  const ProxyAddresses addresses{.client = flow.client, .local = flow.local};
  switch (service.client) {
    case ClientHeader::kNone:
    case ClientHeader::kTransparent:  // UDP alone
      return {};
    case ClientHeader::kProxyV1:
      return proxy_v1(addresses);
    case ClientHeader::kProxyV2:
      return std::string{as_text(proxy_v2(addresses).view())};
  }
  return {};
}

}  // namespace

HubCarrier::HubCarrier(HubWorker& worker, std::uint64_t number, const Endpoint& peer, const Endpoint& local)
    : worker_{worker},
      shared_{worker.shared_},
      number_{number},
      peer_{peer},
      local_{local},
      begun_{worker.worker_.loop.now()},
      line_{wire::kMaxEdgeLine},
      deadline_{worker.worker_.loop.make_timer([this] {
        if (ending_) return leave();
        end_handshake(PST_R_HANDSHAKE_TIMEOUT, "TLS and the EDGE line took too long");
      })} {}

HubCarrier::HubCarrier(HubWorker& worker, std::uint64_t number, std::unique_ptr<Connection> connection)
    : HubCarrier{worker, number, connection->peer, connection->local} {
  link_ = worker.worker_.network.secure(std::move(connection), {.unsent_limit = shared_.tunnel.send_queue},
                                        shared_.tls, {});
  begin_handshake();
}

HubCarrier::HubCarrier(HubWorker& worker, std::uint64_t number, std::unique_ptr<QuicConnection> connection)
    : HubCarrier{worker, number, connection->peer(), connection->local()} {
  auto link = std::make_unique<QuicLink>(worker.worker_.loop, std::move(connection));
  quic_ = link.get();
  unannounced_ = true;
  link_ = std::move(link);
  begin_handshake();
  link_->await_writable();  // which it is when the peer has proved that its address is its own
}

void HubCarrier::begin_handshake() {
  link_->observe(this);
  link_->await_readable();
  deadline_->arm(begun_ + shared_.tunnel.handshake);
}

HubCarrier::HubCarrier(HubWorker& worker, std::uint64_t number, Luggage luggage)
    : worker_{worker},
      shared_{worker.shared_},
      number_{number},
      peer_{luggage.peer},
      local_{luggage.local},
      begun_{luggage.begun},
      line_{wire::kMaxEdgeLine},
      edge_{std::move(luggage.edge)},
      instance_{luggage.instance},
      index_{luggage.index},
      routes_{std::move(luggage.routes)} {
  carrier_ =
      std::make_unique<FramedCarrier>(worker_.worker_.loop, worker_.worker_.network, carrier_settings(),
                                      static_cast<CarrierObserver&>(*this), std::move(luggage.carrier));
}

HubCarrier::~HubCarrier() = default;

HubCarrier::Luggage HubCarrier::pack() {
  return {.peer = peer_,
          .local = local_,
          .begun = begun_,
          .edge = std::move(edge_),
          .instance = instance_,
          .index = index_,
          .routes = std::move(routes_),
          .carrier = carrier_->pack()};
}

/// Only who has proved that the address is its own takes a place among that source's unfinished handshakes:
/// what came before was QUIC's to bound.
void HubCarrier::announce() {
  if (std::exchange(unannounced_, false)) shared_.desk.on_caller(caller());
}

void HubCarrier::announce_move() {
  shared_.desk.on_moved(caller(), instance_, index_);
}

void HubCarrier::resume() {
  if (carrier_ != nullptr) carrier_->resume();
}

HubDesk::Caller HubCarrier::caller() const {
  return {{worker_.worker_.index, number_}, peer_};
}

// ---------------------------------------------------------------------------------------------- handshake

void HubCarrier::on_readable() {
  std::array<std::byte, 4096> buffer{};
  for (;;) {
    const IoResult result = link_->read(buffer);
    if (result.bytes > 0 && !ending_) take_line(Bytes{buffer}.first(result.bytes));
    if (result.status == IoStatus::kBlocked) return link_->await_readable();
    if (result.status == IoStatus::kDone) continue;
    if (ending_) return leave();
    const bool tls = result.error.category() == penstock_category() && result.error != Errc::kUnavailable;
    return end_handshake(tls ? PST_R_TLS_FAILED : PST_R_PEER_CLOSED,
                         result.status == IoStatus::kEnd
                             ? "the peer ended the connection before it said who it is"
                             : link_->describe(result.error));
  }
}

void HubCarrier::take_line(Bytes bytes) {
  if (!line_taken_) {
    auto line = line_.take(bytes);
    if (!line) return refuse(PST_R_BAD_HANDSHAKE, line.error().what);
    if (!line->has_value()) return;
    line_taken_ = true;
    announce();
    auto said = parse_edge_line(**line);
    if (!said) return refuse(PST_R_BAD_HANDSHAKE, said.error().what);
    shared_.desk.on_line(caller(), std::move(*said));
  }
  if (leftover_.size() + bytes.size() > kLeftoverLimit) {
    return refuse(PST_R_BAD_HANDSHAKE, "too much was sent before the hub's answer");
  }
  leftover_.insert(leftover_.end(), bytes.begin(), bytes.end());
}

void HubCarrier::refuse(Reason reason, const std::string& message) {
  if (carrier_ != nullptr || ending_) return;
  link_->write(as_bytes(to_line(Refusal{.reason = std::string{label_of(reason)}, .message = message})),
               false);
  link_->finish();
  ending_.emplace(reason, message);
  deadline_->arm(now() +
                 kRefusalTime);  // and wait for the peer to go, so that the line is not cut off by a reset
}

void HubCarrier::end_handshake(Reason reason, std::string text) {
  ending_.emplace(reason, std::move(text));
  leave();
}

/// Destroys this object. Over QUIC the end tells the reason: the peer may have had no stream to be told on.
void HubCarrier::leave() {
  if (carrier_ == nullptr) worker_.worker_.counters.count(ending_->first);
  if (carrier_ == nullptr && quic_ != nullptr) quic_->connection().close(ending_->first, ending_->second);
  announce();
  shared_.desk.on_gone(caller(), ending_->first, ending_->second);
  worker_.gone(number_);
}

void HubCarrier::accept(const std::string& edge, const std::string& answer,
                        std::shared_ptr<const RouteTable> routes) {
  if (ending_ || carrier_ != nullptr) return;
  deadline_->cancel();
  edge_ = edge;
  routes_ = std::move(routes);
  carrier_ = make_carrier(answer);
}

std::unique_ptr<Carrier> HubCarrier::make_carrier(const std::string& answer) {
  Loop& loop = worker_.worker_.loop;
  CarrierSettings settings = carrier_settings();
  auto& observer = static_cast<CarrierObserver&>(*this);
  if (quic_ == nullptr)
    return std::make_unique<FramedCarrier>(loop, std::move(link_), settings, observer, answer,
                                           std::move(leftover_));
  settings.mode = Mode::kPenstock;  // nobody else speaks it over QUIC
  return std::make_unique<QuicCarrier>(loop, std::move(link_), *quic_, settings, observer, answer,
                                       std::move(leftover_));
}

CarrierSettings HubCarrier::carrier_settings() const {
  return {.side = Side::kHub,
          .mode = Mode::kUndecided,
          .ping = shared_.tunnel.ping,
          .timeout = shared_.tunnel.timeout,
          .half_closed = shared_.flow.half_closed,
          .budget = &shared_.budget,
          .counters = &worker_.worker_.counters,
          .ledger = &worker_.ledger(),
          .elephants = {.rate = shared_.tunnel.sustained_rate, .after = shared_.tunnel.sustained_after},
          .sustained_least = shared_.tunnel.sustained_least,
          .edge = edge_,
          .datagram_queue = shared_.limits.datagram_queue};
}

// ---------------------------------------------------------------------------------------------- control

void HubCarrier::set_routes(std::shared_ptr<const RouteTable> routes) {
  routes_ = std::move(routes);
  if (carrier_ == nullptr) return;
  carrier_->for_each([&](Stream& stream) {
    const Route* const route = routes_->find_tcp(stream.flow().local.port);
    if (route != nullptr && route->service->name == stream.flow().service) return;
    carrier_->reset(stream.id(), PST_R_SERVICE_REMOVED, {});
  });
  if (sessions_ != nullptr) worker_.sessions().check_routes(*sessions_, *routes_);
}

void HubCarrier::send(FrameType type, const std::string& payload) {
  if (carrier_ != nullptr) carrier_->send(type, as_bytes(payload));
}

void HubCarrier::go_away(const GoAwayMessage& message) {
  if (carrier_ != nullptr) carrier_->go_away(message);
}

void HubCarrier::close(Reason reason, const std::string& text, std::chrono::milliseconds retry_after) {
  if (carrier_ == nullptr) return refuse(reason, text.empty() ? std::string{help_of(reason)} : text);
  carrier_->go_away({.reason = reason, .retry_after = retry_after, .text = text});
  carrier_->close(reason, text);
}

CarrierSummary HubCarrier::summary() const {
  return {.id = {worker_.worker_.index, number_},
          .edge = edge_,
          .peer = quic_ == nullptr ? peer_.to_string() : quic_->connection().peer().to_string(),
          .local = local_.to_string(),
          .cipher = carrier_->link().cipher(),
          .age = now() - begun_,
          .report = carrier_->report()};
}

void HubCarrier::add_flows(std::vector<FlowSummary>& out) const {
  if (carrier_ == nullptr) return;
  carrier_->for_each([&](Stream& stream) {
    out.push_back({.edge = edge_, .instance = instance_, .carrier = index_, .flow = stream.report(now())});
  });
}

// ---------------------------------------------------------------------------------------------- flows

void HubCarrier::on_open(Stream& stream) {
  const Route* route = nullptr;
  const Reason refusal = admit(stream, route);
  if (refusal != PST_R_COMPLETED) return carrier_->reset(stream.id(), refusal, {});
  stream.flow().book = route->book;
  stream.enter(worker_.ledger().of(route->service->name, edge_));
  record_opened(shared_.journal, stream, edge_);
  dial(stream, *route);
}

/// PST_R_COMPLETED when nothing is against the flow.
Reason HubCarrier::admit(Stream& stream, const Route*& route) {
  Flow& flow = stream.flow();
  route = routes_->find_tcp(flow.local.port);
  if (route == nullptr) return PST_R_NOT_ASSIGNED;
  const Service& service = *route->service;
  flow.service = service.name;
  flow.idle = service.idle;
  if (service.draining) return PST_R_SERVICE_DRAINING;
  if (route->addresses.empty()) return PST_R_NO_ADDRESS;
  auto admitted = shared_.admission.admit(
      flow.client.address,
      {.service = service.name, .total = service.max_flows, .per_source = service.max_flows_per_source});
  if (const Reason* const met = std::get_if<Reason>(&admitted)) {
    record_limit(shared_.journal, *met, flow.client, service.name, edge_);
    return *met;
  }
  flow.ticket = std::get<Admission::Ticket>(std::move(admitted));
  return PST_R_COMPLETED;
}

void HubCarrier::dial(Stream& stream, const Route& route) {
  const std::uint32_t id = stream.id();
  BackendDial& dial = dials_[id];
  dial.route = route;
  dial.port = route.service->backend_port(stream.flow().local.port);
  dial.deadline = worker_.worker_.loop.make_timer([this, id] {
    carrier_->reset(id, PST_R_DIAL_TIMEOUT, "the backend did not accept within the time for dialling");
  });
  dial.patience = worker_.worker_.loop.make_timer([this, id] { dial_next(id); });
  dial.give_up_at = now() + shared_.flow.dial;
  dial.deadline->arm(dial.give_up_at);
  dial_next(id);
}

/// The time is shared out among the addresses that are left, so that a silent one does not keep us from the
/// others.
void HubCarrier::dial_next(std::uint32_t id) {
  BackendDial& dial = dials_.at(id);
  if (dial.next == dial.route.addresses.size()) {
    return carrier_->reset(id, PST_R_DIAL_FAILED, std::string{dial.last_error});
  }
  const Endpoint backend{dial.route.addresses[dial.next++], dial.port};
  carrier_->find(id)->flow().backend = backend;
  dial.attempt = worker_.worker_.network.dial(
      backend,
      [this, id](Result<std::unique_ptr<Connection>> connection) { dialled(id, std::move(connection)); });
  const auto behind = static_cast<Duration::rep>(dial.route.addresses.size() - dial.next);
  dial.patience->cancel();
  if (behind > 0) dial.patience->arm(now() + (dial.give_up_at - now()) / (behind + 1));
}

void HubCarrier::dialled(std::uint32_t id, Result<std::unique_ptr<Connection>> connection) {
  if (connection) return join(id, std::move(*connection));
  BackendDial& dial = dials_.at(id);
  dial.last_error = carrier_->find(id)->flow().backend.to_string() + ": " + connection.error().what;
  dial_next(id);
}

void HubCarrier::join(std::uint32_t id, std::unique_ptr<Connection> connection) {
  const auto dial = dials_.extract(id);
  const std::string preface = proxy_preface(*dial.mapped().route.service, carrier_->find(id)->flow());
  auto link = worker_.worker_.network.attach(std::move(connection), backend_options(shared_.flow));
  carrier_->attach(id, std::move(link), as_bytes(preface));
}

void HubCarrier::on_stream_closed(Stream& stream, Reason reason, const std::string& text) {
  dials_.erase(stream.id());
  record_closed(shared_.journal, stream, edge_, reason, text, now());
}

void HubCarrier::on_legacy_peer() {
  shared_.desk.on_legacy(caller());
}

Result<void> HubCarrier::on_message(FrameType type, Bytes payload) {
  if (type == FrameType::kReport) {
    auto report = parse_report(as_text(payload));
    if (!report) return report.error();
    shared_.desk.on_report(caller(), *report);
    return {};
  }
  if (type == FrameType::kHello) {
    auto hello = parse_hello(as_text(payload));
    if (!hello) return hello.error();
    if (hello->role != "edge") return error(Errc::kProtocol, "role: this hub serves edges only");
    instance_ = hello->instance;
    index_ = hello->carrier;
    carrier_->pause();
    shared_.desk.on_hello(caller(), std::move(*hello));
    return {};
  }
  auto result = parse_config_result(as_text(payload));
  if (!result) return result.error();
  shared_.desk.on_config_result(caller(), std::move(*result));
  return {};
}

/// An edge in legacy mode has no instance: its sessions are those of this connection.
Result<void> HubCarrier::on_session_frame(FrameType type, std::uint32_t session, Bytes payload) {
  if (sessions_ == nullptr) {
    const bool legacy = carrier_->mode() == Mode::kLegacy;
    sessions_ = worker_.sessions().tunnel(edge_, legacy ? number_ : instance_);
  }
  return worker_.sessions().on_frame(*sessions_, number_, *routes_, type, session, payload);
}

void HubCarrier::on_turn_end() {
  worker_.sessions().flush();
}

/// An edge that goes away opens nothing more; its streams end as they will.
void HubCarrier::on_go_away(const GoAwayMessage& message) {
  shared_.journal.event("edge_going_away", {{"edge", edge_},
                                            {"reason", label_of(message.reason)},
                                            {"text", printable(message.text, wire::kMaxResetText)}});
}

void HubCarrier::on_carrier_closed(Reason reason, const std::string& text) {
  ending_.emplace(reason, text);
  leave();
}

}  // namespace penstock
