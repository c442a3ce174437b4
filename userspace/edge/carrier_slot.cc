#include "edge/carrier_slot.h"

#include <algorithm>

namespace penstock {
namespace {

constexpr Duration kFirstDelay = 1s;
constexpr Duration kLongestDelay = 30s;
/// A hub that started anew is dialled at once, unless it does so again and again.
constexpr Duration kLastingCarrier = 1s;
/// Carriers on their way out that are kept for their flows; the oldest goes when there are more.
constexpr std::size_t kMostRetiring = 4;

/// Whether TLS may do better: where the hub said no, it would say so again.
bool may_be_blocked(Reason reason) {
  return reason == PST_R_PEER_UNREACHABLE || reason == PST_R_HANDSHAKE_TIMEOUT ||
         reason == PST_R_PEER_CLOSED || reason == PST_R_TLS_FAILED;
}

}  // namespace

CarrierSlot::CarrierSlot(const Worker& worker, EdgeShared& shared, std::uint32_t index,
                         SessionFrames& sessions, Ledger& ledger, CarrierSlotObserver& observer)
    : worker_{worker},
      shared_{shared},
      index_{index},
      sessions_{sessions},
      ledger_{ledger},
      observer_{observer},
      backoff_{kFirstDelay, kLongestDelay},
      redial_{worker.loop.make_timer([this] { dial(); })},
      retry_quic_{worker.loop.make_timer([this] { probe(); })} {
  dial();
}

/// QUIC is not waited for again where it failed the last time: it is tried beside TLS, or when TLS fails too.
void CarrierSlot::dial() {
  if (stopped_ || current_ != nullptr) return;
  dial_kind(current_, next_kind(), false);
}

CarrierKind CarrierSlot::next_kind() const {
  const bool tls = shared_.carrier == EdgeConfig::Carrier::kTls || (falls_back() && tls_next_);
  return tls ? CarrierKind::kTls : CarrierKind::kQuic;
}

void CarrierSlot::dial_kind(std::unique_ptr<EdgeCarrier>& place, CarrierKind kind, bool beside) {
  const bool first_of_two = falls_back() && kind == CarrierKind::kQuic;
  const CarrierDial dial{.index = index_,
                         .serial = ++attempts_,
                         .kind = kind,
                         .patience = first_of_two ? shared_.tunnel.fallback : shared_.tunnel.handshake,
                         .beside = beside};
  place = std::make_unique<EdgeCarrier>(worker_, shared_, dial, sessions_, ledger_,
                                        static_cast<EdgeCarrierObserver&>(*this));
}

void CarrierSlot::probe() {
  const bool wanted = !stopped_ && current() != nullptr && current_->kind() == CarrierKind::kTls;
  if (wanted && probe_ == nullptr) dial_kind(probe_, CarrierKind::kQuic, true);
}

void CarrierSlot::dial_after(Duration delay) {
  if (!stopped_) redial_->arm(worker_.loop.now() + delay);
}

EdgeCarrier* CarrierSlot::lasting(std::uint32_t serial) const {
  if (current() != nullptr) return current();
  const auto held = std::find_if(retiring_.begin(), retiring_.end(), [&](const auto& carrier) {
    return carrier->serial() == serial && carrier->up();
  });
  return held == retiring_.end() ? nullptr : held->get();
}

std::vector<EdgeCarrier*> CarrierSlot::carriers() const {
  std::vector<EdgeCarrier*> out;
  for (const auto& carrier : retiring_) out.push_back(carrier.get());
  if (current_ != nullptr && current_->carrier() != nullptr) out.push_back(current_.get());
  return out;
}

void CarrierSlot::stop(Reason reason) {
  stopped_ = true;
  redial_->cancel();
  for (const auto& carrier : retiring_) carrier->close(reason);
  retry_quic_->cancel();
  probe_.reset();
  if (current_ != nullptr) current_->close(reason);
  if (idle()) observer_.on_slot_down(*this, reason, {});
}

void CarrierSlot::on_up(EdgeCarrier& carrier, const Assignment& assignment) {
  if (&carrier == probe_.get()) {
    take_probe();
  }
  if (falls_back()) {
    const bool tls = current_->kind() == CarrierKind::kTls;
    if (tls && !assignment.penstock) retry_quic_->cancel();  // no hub of the published protocol has QUIC
    if (tls && assignment.penstock) retry_quic_->arm(worker_.loop.now() + shared_.tunnel.quic_retry);
    if (!tls && !std::exchange(why_fallback_, {}).empty())
      observer_.on_slot_fallback(*this, PST_R_COMPLETED, {});
    tls_next_ = tls;
  }
  backoff_.succeeded();
  least_delay_ = {};
  last_error_.clear();
  observer_.on_slot_up(*this, assignment);
}

/// The one of TLS keeps its flows; one that is only being dialled is not needed any more.
void CarrierSlot::take_probe() {
  redial_->cancel();
  if (current() != nullptr) retire_current();
  current_ = std::move(probe_);
}

/// It goes when its last flow has ended.
void CarrierSlot::retire_current() {
  retiring_.push_back(std::move(current_));
  retiring_.back()->retire();
  if (retiring_.size() > kMostRetiring) retiring_.front()->close(PST_R_DRAINING);
}

void CarrierSlot::fell_back(Reason reason, const std::string& text) {
  tls_next_ = true;
  const std::string before = std::exchange(why_fallback_, std::string{label_of(reason)} + ": " + text);
  if (before.empty()) observer_.on_slot_fallback(*this, reason, text);
}

void CarrierSlot::on_config(EdgeCarrier& carrier, const Assignment& assignment) {
  if (&carrier == current_.get()) observer_.on_slot_config(*this, assignment);
}

void CarrierSlot::on_going_away(EdgeCarrier& carrier, const GoAwayMessage& message) {
  least_delay_ = std::clamp<Duration>(message.retry_after, Duration{}, 10min);
  last_error_ = "the hub sent us away: " + std::string{label_of(message.reason)};
  if (&carrier != current_.get()) return;
  retiring_.push_back(std::move(current_));
  if (retiring_.size() > kMostRetiring) retiring_.front()->close(PST_R_DRAINING);
  observer_.on_slot_down(*this, message.reason, message.text);
  dial_after(least_delay_ + backoff_.next(random_u64()));
}

void CarrierSlot::on_down(EdgeCarrier& carrier, Reason reason, std::string text) {
  const auto retired = std::find_if(retiring_.begin(), retiring_.end(),
                                    [&](const auto& held) { return held.get() == &carrier; });
  if (retired != retiring_.end()) {
    retiring_.erase(retired);
    if (stopped_ && idle()) observer_.on_slot_down(*this, reason, text);
    return;
  }
  if (&carrier == probe_.get()) {
    probe_.reset();
    why_fallback_ = std::string{label_of(reason)} + ": " + text;
    return retry_quic_->arm(worker_.loop.now() + shared_.tunnel.quic_retry);
  }
  last_error_ = std::string{label_of(reason)} + ": " + text;
  const bool never_up = carrier.carrier() == nullptr;
  if (falls_back() && never_up && carrier.kind() == CarrierKind::kQuic && may_be_blocked(reason) &&
      !stopped_) {
    fell_back(reason, text);
    current_.reset();
    return dial();
  }
  if (never_up) tls_next_ = false;  // neither came up, as while the hub is away
  const bool at_once = carrier.forgotten() && worker_.loop.now() - carrier.up_since() >= kLastingCarrier;
  current_.reset();
  observer_.on_slot_down(*this, reason, text);
  dial_after(at_once ? Duration{} : least_delay_ + backoff_.next(random_u64()));
}

}  // namespace penstock
