#include "edge/carrier_slot.h"

#include <algorithm>

namespace penstock {
namespace {

constexpr Duration kFirstDelay = 1s;
constexpr Duration kLongestDelay = 30s;
/// Carriers on their way out that are kept for their flows; the oldest goes when there are more.
constexpr std::size_t kMostRetiring = 4;

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
      redial_{worker.loop.make_timer([this] { dial(); })} {
  dial();
}

void CarrierSlot::dial() {
  if (stopped_ || current_ != nullptr) return;
  current_ = std::make_unique<EdgeCarrier>(worker_, shared_, index_, ++attempts_, sessions_, ledger_,
                                           static_cast<EdgeCarrierObserver&>(*this));
}

void CarrierSlot::dial_after(Duration delay) {
  if (!stopped_) redial_->arm(worker_.loop.now() + delay);
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
  if (current_ != nullptr) current_->close(reason);
  if (idle()) observer_.on_slot_down(*this, reason, {});
}

void CarrierSlot::on_up(EdgeCarrier& /*carrier*/, const Assignment& assignment) {
  backoff_.succeeded();
  least_delay_ = {};
  last_error_.clear();
  observer_.on_slot_up(*this, assignment);
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
  last_error_ = std::string{label_of(reason)} + ": " + text;
  current_.reset();
  observer_.on_slot_down(*this, reason, text);
  dial_after(least_delay_ + backoff_.next(random_u64()));
}

}  // namespace penstock
