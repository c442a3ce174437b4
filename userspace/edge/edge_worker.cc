#include "edge/edge_worker.h"

namespace penstock {

EdgeWorker::EdgeWorker(const Worker& worker, EdgeShared& shared, EdgeDesk& desk)
    : worker_{worker},
      shared_{shared},
      desk_{desk},
      sessions_{worker_, shared, ledger_, static_cast<SessionCarriers&>(*this)} {}

void EdgeWorker::add_slot(std::uint32_t index) {
  slots_.push_back(std::make_unique<CarrierSlot>(worker_, shared_, index, sessions_, ledger_,
                                                 static_cast<CarrierSlotObserver&>(*this)));
}

void EdgeWorker::drop_slot(std::uint32_t index) {
  std::erase_if(slots_, [&](const auto& slot) { return slot->index() == index; });
}

void EdgeWorker::open(std::unique_ptr<Connection> connection, Flow flow) {
  EdgeCarrier* emptiest = nullptr;
  for (const auto& slot : slots_) {
    EdgeCarrier* const carrier = slot->current();
    if (carrier == nullptr) continue;
    if (emptiest == nullptr || carrier->carrier()->streams() < emptiest->carrier()->streams())
      emptiest = carrier;
  }
  if (emptiest != nullptr) return emptiest->open(std::move(connection), std::move(flow));
  worker_.counters.count(PST_R_TUNNEL_DOWN);
  ledger_.of(flow.service).refuse_flow(PST_R_TUNNEL_DOWN);
  connection->refuse();
}

EdgeCarrier* EdgeWorker::any_carrier(std::uint32_t turn) {
  for (std::size_t tried = 0; tried < slots_.size(); ++tried) {
    if (EdgeCarrier* const carrier = slots_[(turn + tried) % slots_.size()]->current()) return carrier;
  }
  return nullptr;
}

EdgeCarrier* EdgeWorker::carrier_in(std::uint32_t slot, std::uint32_t serial) {
  for (const auto& held : slots_) {
    if (held->index() == slot) return held->lasting(serial);
  }
  return any_carrier(slot);
}

void EdgeWorker::send(std::uint32_t slot, FrameType type, const std::string& payload) {
  for (const auto& held : slots_) {
    if (held->index() == slot && held->current() != nullptr) held->current()->send(type, payload);
  }
}

void EdgeWorker::ask_hub() {
  for (const auto& slot : slots_) {
    if (slot->current() != nullptr) slot->current()->carrier()->ask();
  }
}

void EdgeWorker::reset_flows(const PortSet& ports, Reason reason) {
  for (const auto& slot : slots_) {
    for (EdgeCarrier* const carrier : slot->carriers()) carrier->reset_flows(ports, reason);
  }
}

void EdgeWorker::stop(Reason reason) {
  for (const auto& slot : slots_) slot->stop(reason);
}

std::vector<EdgeCarrierSummary> EdgeWorker::carriers() const {
  std::vector<EdgeCarrierSummary> out;
  const Time now = worker_.loop.now();
  for (const auto& slot : slots_) {
    for (EdgeCarrier* const carrier : slot->carriers()) {
      out.push_back({.index = slot->index(),
                     .kind = carrier->kind(),
                     .worker = worker_.index,
                     .peer = carrier->peer(),
                     .local = carrier->local(),
                     .cipher = carrier->carrier()->link().cipher(),
                     .age = now - carrier->up_since(),
                     .up = carrier == slot->current(),
                     .legacy = carrier->legacy(),
                     .why = carrier == slot->current() ? "" : slot->last_error(),
                     .why_fallback = carrier->kind() == CarrierKind::kTls ? slot->why_fallback() : "",
                     .report = carrier->carrier()->report()});
    }
    if (slot->carriers().empty()) {
      out.push_back({.index = slot->index(),
                     .kind = slot->next_kind(),
                     .worker = worker_.index,
                     .why = slot->last_error()});
    }
  }
  return out;
}

std::vector<EdgeFlowSummary> EdgeWorker::flows() const {
  std::vector<EdgeFlowSummary> out;
  const Time now = worker_.loop.now();
  for (const auto& slot : slots_) {
    for (EdgeCarrier* const carrier : slot->carriers()) {
      carrier->carrier()->for_each(
          [&](Stream& stream) { out.push_back({.carrier = slot->index(), .flow = stream.report(now)}); });
    }
  }
  return out;
}

void EdgeWorker::on_slot_up(CarrierSlot& slot, const Assignment& assignment) {
  desk_.on_slot_up(slot.index(), assignment);
}

void EdgeWorker::on_slot_config(CarrierSlot& slot, const Assignment& assignment) {
  desk_.on_slot_config(slot.index(), assignment);
}

void EdgeWorker::on_slot_down(CarrierSlot& slot, Reason reason, const std::string& text) {
  desk_.on_slot_down(slot.index(), reason, text);
}

void EdgeWorker::on_slot_fallback(CarrierSlot& slot, Reason reason, const std::string& text) {
  desk_.on_slot_fallback(slot.index(), reason, text);
}

}  // namespace penstock
