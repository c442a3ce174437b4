// A simulated TCP connection: two directions, and what its two ends are told.
#pragma once

#include <array>
#include <memory>

#include "base/address.h"
#include "net/link.h"
#include "net/loop.h"
#include "support/sim_direction.h"
#include "support/sim_faults.h"

namespace penstock {

/// Shared by its two ends (each a SimConnection, then a SimLink), since either may be the last to go. Behaves
/// as TCP does at its edges: an end that closes with unread bytes, or gets bytes after it closed, resets the
/// other; a reset throws away what was under way.
class SimWire final : public std::enable_shared_from_this<SimWire> {
 public:
  enum Side : unsigned { kDialler, kListener };

  SimWire(SimClock& clock, SimFaults& faults, const SimPath& path, const Endpoint& dialler,
          const Endpoint& listener, std::uint64_t seed);
  ~SimWire();
  SimWire(const SimWire&) = delete;
  SimWire& operator=(const SimWire&) = delete;

  // What a test does to it
  /// Both ends find the connection reset, at once.
  void cut();
  /// One end finds the connection reset, the other hears nothing of it, nor of anything else.
  void lose(Side side);
  /// Nothing arrives at either end for so long.
  void stall(Duration span);
  const SimDirection& from(Side side) const { return *ends_[side].out; }
  const Endpoint& address(Side side) const { return ends_[side].address; }
  bool open() const { return !ends_[kDialler].closed && !ends_[kListener].closed && !ends_[kDialler].error; }

  // What its ends do
  void attach(Side side, Loop& loop, std::size_t unsent_limit);
  void observe(Side side, LinkObserver* observer) { ends_[side].observer = observer; }
  void leave(Side side);
  void join(Side side, Loop& loop) { ends_[side].loop = &loop; }
  void await_readable(Side side);
  void await_writable(Side side);
  void await_failure(Side side);
  IoResult read(Side side, MutableBytes into);
  IoResult write(Side side, Bytes from);
  void finish(Side side) { ends_[side].out->finish(); }
  void close(Side side, bool reset);

 private:
  enum class Wait { kNone, kAsked, kPosted };
  struct End {
    Endpoint address;
    SimDirection* out = nullptr;
    SimDirection* in = nullptr;
    Loop* loop = nullptr;  // once attached
    LinkObserver* observer = nullptr;
    Wait read_wait = Wait::kNone;
    Wait write_wait = Wait::kNone;
    Wait failure_wait = Wait::kNone;
    SimClock::Event reset;  // under way to this end
    bool closed = false;
    std::uint64_t stay = 0;  // grows with each loop that it leaves
    boost::system::error_code error;
  };
  static Side other(Side side) { return side == kDialler ? kListener : kDialler; }
  void arrived(Side side);
  template <class Tell>
  void wake(Side side, Wait End::*wait, Tell tell);
  void wake_reader(Side side);
  void wake_writer(Side side);
  void wake_for_failure(Side side);
  void wake_all(Side side);
  void break_end(Side side, const boost::system::error_code& error);
  void send_reset(Side from);
  IoResult struck(Side side);

  SimClock& clock_;
  SimFaults& faults_;
  const Duration delay_;
  SimDirection up_;  // from the dialler
  SimDirection down_;
  std::array<End, 2> ends_;
};

}  // namespace penstock
