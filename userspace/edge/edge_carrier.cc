#include "edge/edge_carrier.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "penstock/wire/frame.h"
#include "tunnel/flow_journal.h"
#include "tunnel/framed_carrier.h"
#include "tunnel/quic_carrier.h"
#include "tunnel/quic_settings.h"

namespace penstock {
namespace {

LinkOptions client_options(const FlowConfig& flow) {
  return {.keepalive = flow.keepalive,
          .keepalive_interval = flow.keepalive_interval,
          .keepalive_probes = flow.keepalive_probes,
          .unsent_limit = 0};
}

/// That the hub may have open at once: long datagrams have one each.
constexpr std::uint64_t kStreamsOfHub = 256;

/// Carriers on their way out stay so long at least: until sessions have moved, which takes a second, what
/// backends say comes by them.
constexpr Duration kLinger = 2s;

/// Public ports among those that the system offers for a carrier's own, until there is no hope.
constexpr std::size_t kMostPassedOver = 256;

/// What the hub's refusal means to us; its own words are for people.
Reason refusal_reason(const Refusal& refusal) {
  for (const ReasonInfo& info : kReasons) {
    if (info.label == refusal.reason) return info.reason;
  }
  return PST_R_BAD_HANDSHAKE;
}

}  // namespace

EdgeCarrier::EdgeCarrier(const Worker& worker, EdgeShared& shared, const CarrierDial& dial,
                         SessionFrames& sessions, Ledger& ledger, EdgeCarrierObserver& observer)
    : worker_{worker},
      shared_{shared},
      dial_{dial},
      sessions_{sessions},
      ledger_{ledger},
      observer_{observer},
      deadline_{worker.loop.make_timer([this] {
        const bool silent = link_ == nullptr || dial_.kind == CarrierKind::kQuic;
        fail(silent ? PST_R_PEER_UNREACHABLE : PST_R_HANDSHAKE_TIMEOUT,
             silent ? "no connection within the time for the handshake; " + last_error_
                    : "TLS and the hub's answer took too long");
      })},
      patience_{worker.loop.make_timer([this] { dial_next(); })},
      give_up_at_{worker.loop.now() + dial.patience},
      line_{to_line(EdgeLine{.id = shared.address.edge_id, .secret = shared.address.secret})} {
  deadline_->arm(give_up_at_);
  resolve();
}

EdgeCarrier::~EdgeCarrier() = default;

// ---------------------------------------------------------------------------------------------- dialling

void EdgeCarrier::resolve() {
  const HostPort& hub = shared_.address.hub;
  pending_ = worker_.network.resolve(hub.host, [this](Result<std::vector<IpAddress>> addresses) {
    if (!addresses)
      return fail(PST_R_PEER_UNREACHABLE,
                  "cannot resolve " + shared_.address.hub.host + ": " + addresses.error().what);
    addresses_ = std::move(*addresses);
    dial_next();
  });
}

/// The time is shared out among the addresses that are left, and the hub's answer: an address that is silent
/// must not keep us from those behind it.
void EdgeCarrier::dial_next() {
  patience_->cancel();
  if (next_address_ == addresses_.size()) return fail(PST_R_PEER_UNREACHABLE, last_error_);
  const Endpoint hub{addresses_[next_address_++], shared_.address.hub.port};
  last_error_ = hub.to_string() + " did not answer";
  if (dial_.kind == CarrierKind::kQuic) {
    dial_quic(hub);
  } else {
    dial_tls(hub);
  }
  const auto behind = static_cast<Duration::rep>(addresses_.size() - next_address_);
  const Time now = worker_.loop.now();
  if (behind > 0) patience_->arm(now + (give_up_at_ - now) / (behind + 2));
}

void EdgeCarrier::dial_tls(const Endpoint& hub) {
  pending_ = worker_.network.dial(hub, [this, hub](Result<std::unique_ptr<Connection>> connection) {
    if (!connection) last_error_ = hub.to_string() + ": " + connection.error().what;
    dialled(std::move(connection));
  });
}

/// The connection has a socket of its own, bound to no address: so it goes on when ours changes.
void EdgeCarrier::dial_quic(const Endpoint& hub) {
  const IpAddress any = hub.address.is_v4() ? IpAddress::v4(0) : IpAddress{};
  auto socket = own_socket(any);
  if (!socket) return fail(PST_R_PEER_UNREACHABLE, socket.error().what);
  auto endpoint = QuicEndpoint::client(worker_.loop, worker_.network, std::move(*socket),
                                       quic_settings(shared_.tunnel, kStreamsOfHub));
  auto link = std::make_unique<QuicLink>(worker_.loop, std::move(endpoint), hub,
                                         steering_byte(shared_.instance, dial_.index), *shared_.address.quic,
                                         shared_.address.server_name);
  peer_ = hub.to_string();
  quic_ = link.get();
  link_ = std::move(link);
  link_->observe(this);
  link_->await_readable();
  send_line();
}

/// On a port that is not public: what comes to those is taken for a client's, whatever socket it is for.
Result<std::unique_ptr<BoundUdp>> EdgeCarrier::own_socket(const IpAddress& any) {
  std::vector<std::unique_ptr<BoundUdp>> passed_over;  // kept until there is one, so that others are offered
  while (passed_over.size() < kMostPassedOver) {
    auto sockets = worker_.network.bind_quic({any, 0}, 1);
    if (!sockets) return sockets.error();
    if (!sessions_.serves(sockets->front()->local.port)) return std::move(sockets->front());
    passed_over.push_back(std::move(sockets->front()));
  }
  return error(Errc::kUnavailable,
               "the UDP ports that the system offers are public ones of services: widen "
               "net.ipv4.ip_local_port_range");
}

void EdgeCarrier::dialled(Result<std::unique_ptr<Connection>> connection) {
  if (!connection) return dial_next();
  patience_->cancel();
  peer_ = (*connection)->peer.to_string();
  local_ = (*connection)->local.to_string();
  link_ = worker_.network.secure(std::move(*connection), {.unsent_limit = shared_.tunnel.send_queue},
                                 *shared_.address.context, shared_.address.server_name);
  link_->observe(this);
  link_->await_readable();
  send_line();
}

/// The first write shakes hands; nothing secret leaves before the hub has proved who it is.
void EdgeCarrier::send_line() {
  if (link_ == nullptr || line_.empty()) return;
  const IoResult result = link_->write(as_bytes(line_), false);
  if (result.bytes > 0) said_something();
  line_.erase(0, result.bytes);
  if (result.status == IoStatus::kFailed) return link_failed(result);
  if (!line_.empty()) link_->await_writable();
}

/// To a hub that has proved who it is: from here on this address is the one, whatever becomes of it.
void EdgeCarrier::said_something() {
  patience_->cancel();
  next_address_ = addresses_.size();
}

void EdgeCarrier::on_readable() {
  std::array<std::byte, 16384> buffer{};
  while (link_ != nullptr) {
    const IoResult result = link_->read(buffer);
    if (result.bytes > 0) {
      take_answer(Bytes{buffer}.first(result.bytes));
      if (failed_ || link_ == nullptr) return;
    }
    if (result.status == IoStatus::kBlocked) return link_->await_readable();
    if (result.status != IoStatus::kDone) return link_failed(result);
  }
}

void EdgeCarrier::link_failed(const IoResult& result) {
  if (quic_ != nullptr && result.error == Errc::kUnavailable && next_address_ < addresses_.size())
    return dial_next();
  if (result.status == IoStatus::kEnd)
    return fail(PST_R_PEER_CLOSED, "the hub ended the connection without an answer");
  const std::string text = link_->describe(result.error);
  const bool pinned = !shared_.address.context->pins().empty();
  if (result.error == Errc::kRefused) return fail(pinned ? PST_R_PIN_MISMATCH : PST_R_TLS_FAILED, text);
  fail(result.error == Errc::kProtocol ? PST_R_TLS_FAILED : PST_R_PEER_CLOSED, text);
}

void EdgeCarrier::take_answer(Bytes bytes) {
  auto line = answer_.take(bytes);
  if (!line) return fail(PST_R_BAD_HANDSHAKE, line.error().what);
  if (!line->has_value()) return;
  if (const auto refusal = parse_refusal(**line)) {
    return fail(refusal_reason(*refusal), "the hub refused: " + printable(refusal->message, 200));
  }
  const auto assignment = parse_assignment(**line);
  if (!assignment) return fail(PST_R_BAD_HANDSHAKE, "the hub's answer: " + assignment.error().what);
  come_up(*assignment, {bytes.begin(), bytes.end()});
}

void EdgeCarrier::come_up(const Assignment& assignment, std::vector<std::byte> leftover) {
  deadline_->cancel();
  legacy_ = !assignment.penstock.has_value();
  if (legacy_ && quic_ != nullptr) return fail(PST_R_BAD_HANDSHAKE, "a hub without our version, over QUIC");
  up_since_ = worker_.loop.now();
  carrier_ = make_carrier(std::move(leftover));
  if (!legacy_) say_hello(*assignment.penstock);
  observer_.on_up(*this, assignment);
}

/// With those features that both sides know.
void EdgeCarrier::say_hello(const Assignment::Extension& hub) {
  std::vector<std::string> features;
  moves_sessions_ =
      std::find(hub.features.begin(), hub.features.end(), wire::kFeatureUdpMove) != hub.features.end();
  if (moves_sessions_) features.emplace_back(wire::kFeatureUdpMove);
  const HelloMessage hello{.version = 1,
                           .role = "edge",
                           .dialer = true,
                           .instance = shared_.instance,
                           .carrier = dial_.index,
                           .carriers = shared_.carriers,
                           .features = std::move(features),
                           .software = "penstock " PENSTOCK_VERSION,
                           .beside = dial_.beside};
  carrier_->send(FrameType::kHello, as_bytes(to_json(hello)));
}

std::unique_ptr<Carrier> EdgeCarrier::make_carrier(std::vector<std::byte> leftover) {
  const CarrierSettings settings{
      .side = Side::kEdge,
      .mode = legacy_ ? Mode::kLegacy : Mode::kPenstock,
      .ping = shared_.tunnel.ping,
      .timeout = shared_.tunnel.timeout,
      .half_closed = shared_.flow.half_closed,
      .budget = &shared_.budget,
      .counters = &worker_.counters,
      .ledger = &ledger_,
      .elephants = {.rate = shared_.tunnel.sustained_rate, .after = shared_.tunnel.sustained_after},
      .sustained_least = shared_.tunnel.sustained_least,
      .datagram_queue = shared_.datagram_queue};
  auto& observer = static_cast<CarrierObserver&>(*this);
  if (quic_ == nullptr)
    return std::make_unique<FramedCarrier>(worker_.loop, std::move(link_), settings, observer,
                                           std::string_view{}, std::move(leftover));
  return std::make_unique<QuicCarrier>(worker_.loop, std::move(link_), *quic_, settings, observer,
                                       std::string_view{}, std::move(leftover));
}

/// Told on a later turn of the loop, so that whoever made this carrier is done with it.
void EdgeCarrier::fail(Reason reason, std::string text) {
  if (std::exchange(failed_, true)) return;
  worker_.counters.count(reason);
  pending_.reset();
  link_.reset();  // an answer that comes now is too late
  quic_ = nullptr;
  patience_->cancel();
  deadline_ = worker_.loop.make_timer(
      [this, reason, text = std::move(text)] { observer_.on_down(*this, reason, text); });
  deadline_->arm(worker_.loop.now());
}

// ---------------------------------------------------------------------------------------------- flows

void EdgeCarrier::open(std::unique_ptr<Connection> connection, Flow flow) {
  if (!up()) {
    worker_.counters.count(PST_R_TUNNEL_DOWN);
    ledger_.of(flow.service).refuse_flow(PST_R_TUNNEL_DOWN);
    connection->refuse();
    return;
  }
  auto stream = carrier_->open(worker_.network.attach(std::move(connection), client_options(shared_.flow)),
                               std::move(flow));
  if (!stream) {
    worker_.counters.count(PST_R_WINDOW_BUDGET);
    shared_.journal.event("limit_reached",
                          {{"reason", label_of(PST_R_WINDOW_BUDGET)}, {"edge", shared_.address.edge_id}});
    return;
  }
  record_opened(shared_.journal, **stream, shared_.address.edge_id);
  if (!carrier_->ids_left())
    observer_.on_going_away(*this, {.reason = PST_R_DRAINING, .text = "stream ids are used up"});
}

void EdgeCarrier::send(FrameType type, const std::string& payload) {
  if (carrier_ != nullptr && !legacy_) carrier_->send(type, as_bytes(payload));
}

void EdgeCarrier::close(Reason reason) {
  if (carrier_ == nullptr) return fail(reason, std::string{help_of(reason)});
  carrier_->go_away({.reason = reason, .retry_after = {}, .text = {}});
  carrier_->close(reason, std::string{help_of(reason)});
}

void EdgeCarrier::reset_flows(const PortSet& ports, Reason reason) {
  if (carrier_ == nullptr) return;
  carrier_->for_each([&](Stream& stream) {
    if (ports.contains(stream.flow().local.port)) carrier_->reset(stream.id(), reason, {});
  });
}

/// Never called: OPEN is not a frame for an edge.
void EdgeCarrier::on_open(Stream& stream) {
  carrier_->reset(stream.id(), PST_R_PROTOCOL_ERROR, {});
}

void EdgeCarrier::retire() {
  retired_ = true;
  stays_until_ = worker_.loop.now() + kLinger;
  if (carrier_ != nullptr) carrier_->go_away({.reason = PST_R_REPLACED, .retry_after = {}, .text = {}});
  close_if_empty();
}

/// On a later turn of the loop, for a stream may be ending in the carrier just now.
void EdgeCarrier::close_if_empty() {
  if (carrier_ == nullptr || carrier_->streams() > 0) return;
  deadline_ = worker_.loop.make_timer([this] {
    if (carrier_->streams() == 0) carrier_->close(PST_R_REPLACED, "another carrier has its place");
  });
  deadline_->arm(std::max(worker_.loop.now(), stays_until_));
}

void EdgeCarrier::on_stream_closed(Stream& stream, Reason reason, const std::string& text) {
  if (retired_) close_if_empty();
  record_closed(shared_.journal, stream, shared_.address.edge_id, reason, text, worker_.loop.now());
}

Result<void> EdgeCarrier::on_message(FrameType /*type: CONFIG is the only one for an edge*/, Bytes payload) {
  const auto assignment = parse_assignment(as_text(payload));
  if (!assignment) return assignment.error();
  observer_.on_config(*this, *assignment);
  return {};
}

void EdgeCarrier::on_go_away(const GoAwayMessage& message) {
  observer_.on_going_away(*this, message);
}

void EdgeCarrier::on_carrier_closed(Reason reason, const std::string& text) {
  observer_.on_down(*this, reason, text);
}

}  // namespace penstock
