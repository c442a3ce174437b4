// The edge on one worker: its carrier slots and their flows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edge/carrier_slot.h"
#include "edge/edge_sessions.h"

namespace penstock {

/// What the workers tell the edge. Any worker's thread calls; the edge hands it over to its own.
class EdgeDesk {
 public:
  virtual void on_slot_up(std::uint32_t slot, Assignment assignment) = 0;
  virtual void on_slot_config(std::uint32_t slot, Assignment assignment) = 0;
  virtual void on_slot_down(std::uint32_t slot, Reason reason, std::string text) = 0;
  virtual void on_slot_fallback(std::uint32_t slot, Reason reason, std::string text) = 0;

 protected:
  ~EdgeDesk() = default;
};

struct EdgeCarrierSummary {
  std::uint32_t index = 0;
  CarrierKind kind = CarrierKind::kTls;  // of the next one where none is up
  unsigned worker = 0;
  std::string peer;
  std::string local;
  std::string cipher;
  Duration age{};
  bool up = false;
  bool legacy = false;
  std::string why;           // when it is not up
  std::string why_fallback;  // where it is of TLS for want of QUIC
  CarrierReport report;
};

struct EdgeFlowSummary {
  std::uint32_t carrier = 0;
  FlowReport flow;
};

/// Used on its worker's thread.
class EdgeWorker final : private CarrierSlotObserver, private SessionCarriers {
 public:
  EdgeWorker(const Worker& worker, EdgeShared& shared, EdgeDesk& desk);
  EdgeWorker(const EdgeWorker&) = delete;
  EdgeWorker& operator=(const EdgeWorker&) = delete;

  void add_slot(std::uint32_t index);
  void drop_slot(std::uint32_t index);
  /// Carries a client's connection on the emptiest carrier of this worker, or resets it when there is none.
  void open(std::unique_ptr<Connection> connection, Flow flow);
  void send(std::uint32_t slot, FrameType type, const std::string& payload);
  /// Asks the hub for a sign of life on every carrier.
  void ask_hub();
  void reset_flows(const PortSet& ports, Reason reason);
  void stop(Reason reason);

  std::vector<EdgeCarrierSummary> carriers() const;
  std::vector<EdgeFlowSummary> flows() const;
  EdgeSessions& sessions() { return sessions_; }
  Ledger& ledger() { return ledger_; }

 private:
  void on_slot_up(CarrierSlot& slot, const Assignment& assignment) override;
  void on_slot_config(CarrierSlot& slot, const Assignment& assignment) override;
  void on_slot_down(CarrierSlot& slot, Reason reason, const std::string& text) override;
  void on_slot_fallback(CarrierSlot& slot, Reason reason, const std::string& text) override;
  EdgeCarrier* any_carrier(std::uint32_t turn) override;
  EdgeCarrier* carrier_in(std::uint32_t slot, std::uint32_t serial) override;

  const Worker worker_;
  EdgeShared& shared_;
  EdgeDesk& desk_;
  Ledger ledger_;
  EdgeSessions sessions_;
  std::vector<std::unique_ptr<CarrierSlot>> slots_;
};

}  // namespace penstock
