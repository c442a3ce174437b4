// One end of a simulated connection that belongs to no loop yet.
#pragma once

#include <memory>

#include "net/network.h"
#include "support/sim_link.h"

namespace penstock {

class SimConnection final : public Connection {
 public:
  SimConnection(std::shared_ptr<SimWire> wire, SimWire::Side side) : wire_{std::move(wire)}, side_{side} {
    peer = wire_->address(side == SimWire::kDialler ? SimWire::kListener : SimWire::kDialler);
    local = wire_->address(side);
  }
  ~SimConnection() override {
    if (wire_ != nullptr) wire_->close(side_, refused_);
  }
  void refuse() override { refused_ = true; }

  /// Leaves this one empty.
  std::unique_ptr<Link> take(Loop& loop, const LinkOptions& options) {
    wire_->attach(side_, loop, options.unsent_limit);
    return std::make_unique<SimLink>(std::move(wire_), side_);
  }

 private:
  std::shared_ptr<SimWire> wire_;
  const SimWire::Side side_;
  bool refused_ = false;
};

}  // namespace penstock
