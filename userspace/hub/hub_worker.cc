#include "hub/hub_worker.h"

#include "hub/hub_carrier.h"
#include "tunnel/quic_settings.h"

namespace penstock {
namespace {

/// Connections of QUIC at once, of all workers: edges have few, and strangers are bounded by handshakes.
constexpr unsigned kMostConnections = 8192;

}  // namespace

HubWorker::HubWorker(const Worker& worker, HubShared& shared)
    : worker_{worker},
      shared_{shared},
      limits_{shared.limits},
      sessions_{worker_, shared, ledger_, static_cast<HubCarriers&>(*this)} {}

HubWorker::~HubWorker() = default;

Carrier* HubWorker::carrier(std::uint64_t number) {
  HubCarrier* const found = find(number);
  if (found == nullptr || !found->accepted()) return nullptr;
  Carrier* const carrier = found->carrier();
  return carrier->running() ? carrier : nullptr;
}

std::optional<std::uint32_t> HubWorker::index_of(std::uint64_t number) {
  const HubCarrier* const found = find(number);
  return found == nullptr ? std::nullopt : found->index();
}

HubCarrier* HubWorker::find(std::uint64_t number) const {
  const auto found = carriers_.find(number);
  return found == carriers_.end() ? nullptr : found->second.get();
}

void HubWorker::add(std::uint64_t number, std::unique_ptr<Connection> connection) {
  carriers_[number] = std::make_unique<HubCarrier>(*this, number, std::move(connection));
}

void HubWorker::listen(std::unique_ptr<BoundUdp> socket) {
  endpoints_.push_back(QuicEndpoint::server(
      worker_.loop, worker_.network, std::move(socket), quic_settings(shared_.tunnel, shared_.limits.flows),
      quic_limits(), shared_.quic, static_cast<QuicEndpointObserver&>(*this)));
}

/// This worker's share of what all of them may have.
QuicLimits HubWorker::quic_limits() const {
  const auto workers = static_cast<unsigned>(shared_.workers);
  return {.connections = limits_.handshakes + std::size_t{kMostConnections} / workers,
          .handshakes = limits_.handshakes / workers + 1,
          .handshakes_per_source = limits_.handshakes_per_source / workers + 1,
          .source_prefix_v4 = shared_.limits.source_prefix_v4,
          .source_prefix_v6 = shared_.limits.source_prefix_v6,
          .worker = worker_.index,
          .workers = workers};
}

void HubWorker::set_limits(const LimitsConfig& limits) {
  limits_ = limits;
  for (const auto& endpoint : endpoints_) endpoint->set_limits(quic_limits());
}

void HubWorker::stop_listening() {
  for (const auto& endpoint : endpoints_) endpoint->stop_accepting();
}

std::vector<QuicEndpointReport> HubWorker::quic_doors() const {
  std::vector<QuicEndpointReport> out;
  for (const auto& endpoint : endpoints_) out.push_back(endpoint->report());
  return out;
}

void HubWorker::on_connection(std::unique_ptr<QuicConnection> connection) {
  const std::uint64_t number = ++shared_.last_number;
  carriers_[number] = std::make_unique<HubCarrier>(*this, number, std::move(connection));
}

void HubWorker::accept(std::uint64_t number, const std::string& edge, const std::string& answer,
                       std::shared_ptr<const RouteTable> routes) {
  if (HubCarrier* const carrier = find(number)) carrier->accept(edge, answer, std::move(routes));
}

void HubWorker::refuse(std::uint64_t number, Reason reason, const std::string& message) {
  if (HubCarrier* const carrier = find(number)) carrier->refuse(reason, message);
}

/// Nothing happens when the carrier is gone meanwhile: its farewell is on its way to the hub.
void HubWorker::move(std::uint64_t number, HubWorker& to) {
  const auto found = carriers_.find(number);
  if (found == carriers_.end() || found->second->carrier() == nullptr || !found->second->carrier()->running())
    return;
  HubCarrier::Luggage luggage = found->second->pack();
  carriers_.erase(found);
  to.worker_.loop.post([&to, number, luggage = std::move(luggage)]() mutable {
    auto& carrier = to.carriers_[number];
    carrier = std::make_unique<HubCarrier>(to, number, std::move(luggage));
    carrier->announce_move();
  });
}

void HubWorker::resume(std::uint64_t number) {
  if (HubCarrier* const carrier = find(number)) carrier->resume();
}

void HubWorker::set_routes(std::uint64_t number, std::shared_ptr<const RouteTable> routes) {
  if (HubCarrier* const carrier = find(number)) carrier->set_routes(std::move(routes));
}

void HubWorker::send(std::uint64_t number, FrameType type, const std::string& payload) {
  if (HubCarrier* const carrier = find(number)) carrier->send(type, payload);
}

void HubWorker::go_away(std::uint64_t number, const GoAwayMessage& message) {
  if (HubCarrier* const carrier = find(number)) carrier->go_away(message);
}

void HubWorker::close(std::uint64_t number, Reason reason, const std::string& text,
                      std::chrono::milliseconds retry_after) {
  if (HubCarrier* const carrier = find(number)) carrier->close(reason, text, retry_after);
}

void HubWorker::go_away_all(const GoAwayMessage& message) {
  for (const auto& [number, carrier] : carriers_) carrier->go_away(message);
}

void HubWorker::close_all(Reason reason) {
  std::vector<std::uint64_t> numbers;  // closing may take one out of the map
  for (const auto& [number, carrier] : carriers_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) close(number, reason, {}, {});
}

void HubWorker::gone(std::uint64_t number) {
  carriers_.erase(number);
}

std::vector<CarrierSummary> HubWorker::carriers() const {
  std::vector<CarrierSummary> out;
  for (const auto& [number, carrier] : carriers_) {
    if (carrier->accepted()) out.push_back(carrier->summary());
  }
  return out;
}

std::vector<FlowSummary> HubWorker::flows() const {
  std::vector<FlowSummary> out;
  for (const auto& [number, carrier] : carriers_) carrier->add_flows(out);
  return out;
}

}  // namespace penstock
