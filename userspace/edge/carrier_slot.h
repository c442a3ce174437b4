// A place for one carrier, kept filled: it dials, backs off and dials again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edge/edge_carrier.h"
#include "tunnel/backoff.h"

namespace penstock {

class CarrierSlot;

/// Told on the worker's thread.
class CarrierSlotObserver {
 public:
  virtual void on_slot_up(CarrierSlot& slot, const Assignment& assignment) = 0;
  virtual void on_slot_config(CarrierSlot& slot, const Assignment& assignment) = 0;
  /// The slot has no carrier that takes new flows; it goes on trying unless it was stopped.
  virtual void on_slot_down(CarrierSlot& slot, Reason reason, const std::string& text) = 0;
  /// QUIC did not come up, and TLS is tried instead; or QUIC carries again (PST_R_COMPLETED).
  virtual void on_slot_fallback(CarrierSlot& slot, Reason reason, const std::string& text) = 0;

 protected:
  ~CarrierSlotObserver() = default;
};

/// Owned by its worker. A carrier that the hub sends away keeps its flows until they end, while a new one is
/// dialled. Where QUIC is wanted and does not come up in its time, TLS is dialled instead, and QUIC tried
/// again now and then beside it: once it is up it takes the new flows, and the carrier of TLS goes with its
/// last one.
class CarrierSlot final : private EdgeCarrierObserver {
 public:
  CarrierSlot(const Worker& worker, EdgeShared& shared, std::uint32_t index, SessionFrames& sessions,
              Ledger& ledger, CarrierSlotObserver& observer);

  std::uint32_t index() const { return index_; }
  /// The carrier that takes new flows, or null.
  EdgeCarrier* current() const { return current_ != nullptr && current_->up() ? current_.get() : nullptr; }
  /// The same, or while there is none, the one of that serial on its way out, or null.
  EdgeCarrier* lasting(std::uint32_t serial) const;
  /// All that carry flows, those on their way out too.
  std::vector<EdgeCarrier*> carriers() const;
  const std::string& last_error() const { return last_error_; }
  /// What the next carrier is of, when there is none.
  CarrierKind next_kind() const;
  /// Why TLS carries where QUIC is wanted; empty where it does not.
  const std::string& why_fallback() const { return why_fallback_; }
  void stop(Reason reason);
  bool idle() const { return current_ == nullptr && retiring_.empty(); }

 private:
  void dial();
  void dial_kind(std::unique_ptr<EdgeCarrier>& place, CarrierKind kind, bool beside);
  void probe();
  bool falls_back() const { return shared_.carrier == EdgeConfig::Carrier::kQuicWithFallback; }
  void take_probe();
  void retire_current();
  void fell_back(Reason reason, const std::string& text);
  void dial_after(Duration delay);
  void on_up(EdgeCarrier& carrier, const Assignment& assignment) override;
  void on_config(EdgeCarrier& carrier, const Assignment& assignment) override;
  void on_going_away(EdgeCarrier& carrier, const GoAwayMessage& message) override;
  void on_down(EdgeCarrier& carrier, Reason reason, std::string text) override;

  const Worker& worker_;
  EdgeShared& shared_;
  const std::uint32_t index_;
  SessionFrames& sessions_;
  Ledger& ledger_;
  CarrierSlotObserver& observer_;
  Backoff backoff_;
  std::unique_ptr<Timer> redial_;
  std::unique_ptr<Timer> retry_quic_;
  std::unique_ptr<EdgeCarrier> current_;
  std::unique_ptr<EdgeCarrier> probe_;  // of QUIC, while current_ is of TLS
  bool tls_next_ = false;               // QUIC failed the last time, and TLS has not failed since
  std::vector<std::unique_ptr<EdgeCarrier>> retiring_;
  Duration least_delay_{};      // what the hub asked for
  std::uint32_t attempts_ = 0;  // carriers that were begun
  std::string last_error_;
  std::string why_fallback_;  // the last time that QUIC did not come up, since it was up
  bool stopped_ = false;
};

}  // namespace penstock
