// One end of a simulated connection as a link.
#pragma once

#include <memory>

#include "net/link.h"
#include "support/sim_network.h"
#include "support/sim_wire.h"

namespace penstock {

class SimLink final : public Link {
 public:
  SimLink(std::shared_ptr<SimWire> wire, SimWire::Side side) : wire_{std::move(wire)}, side_{side} {}
  ~SimLink() override { wire_->close(side_, reset_); }

  void observe(LinkObserver* observer) override { wire_->observe(side_, observer); }
  void await_readable() override { wire_->await_readable(side_); }
  void await_writable() override { wire_->await_writable(side_); }
  void await_failure() override { wire_->await_failure(side_); }
  IoResult read(MutableBytes into) override { return wire_->read(side_, into); }
  IoResult write(Bytes from, bool /*more*/) override { return wire_->write(side_, from); }
  void finish() override { wire_->finish(side_); }
  void reset_on_close() override { reset_ = true; }
  void leave() override { wire_->leave(side_); }
  void join(Network& network) override { wire_->join(side_, static_cast<SimNetwork&>(network).loop()); }

 private:
  const std::shared_ptr<SimWire> wire_;  // shared with the other end
  const SimWire::Side side_;
  bool reset_ = false;
};

}  // namespace penstock
