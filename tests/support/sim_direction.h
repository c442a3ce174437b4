// One direction of a simulated connection: a queue of bytes in three parts - not yet sent, under way, not yet
// read.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "support/sim_clock.h"
#include "support/sim_path.h"
#include "support/sim_random.h"

namespace penstock {

/// Owned by its SimWire. Calls its hooks when a reader or writer may go on, never from within read() or
/// write().
class SimDirection {
 public:
  SimDirection(SimClock& clock, const SimPath& path, std::uint64_t seed);
  ~SimDirection();
  SimDirection(const SimDirection&) = delete;
  SimDirection& operator=(const SimDirection&) = delete;

  std::function<void()> on_readable;
  std::function<void()> on_writable;

  /// The kernel's TCP_NOTSENT_LOWAT; 0: the path's send buffer alone counts.
  void limit_unsent(std::size_t bytes);
  std::size_t write(Bytes from);
  std::size_t read(MutableBytes into);
  /// The writer's end, behind everything written.
  void finish();
  /// Everything is thrown away; nothing moves any more.
  void abandon();
  /// Nothing arrives for so long.
  void stall(Duration span);

  bool readable() const { return arrived_ > 0 || ended(); }
  bool ended() const { return end_arrived_ && arrived_ == 0; }
  bool writable() const { return unsent_ < unsent_limit_; }
  std::size_t unread() const { return arrived_; }
  /// Written and not yet read.
  std::size_t inside() const { return unsent_ + flying_ + arrived_; }
  std::uint64_t carried() const { return carried_; }  // read so far

 private:
  struct Segment {
    std::size_t bytes = 0;
    Time due;
  };
  std::size_t piece(std::size_t most);
  void pump();
  void launch(std::size_t bytes);
  void pump_later(Time at);
  void await_arrival();
  void arrive();

  SimClock& clock_;
  const SimPath path_;
  SimRandom random_;
  std::size_t unsent_limit_;
  std::string bytes_;  // from head_ on: arrived, flying, unsent
  std::size_t head_ = 0;
  std::size_t arrived_ = 0;
  std::size_t flying_ = 0;
  std::size_t unsent_ = 0;
  std::deque<Segment> segments_;  // of what is flying
  Time free_at_{};                // when the wire can take the next segment
  Time stalled_until_{};
  SimClock::Event pump_;  // planned, if it has a number
  SimClock::Event arrival_;
  bool finished_ = false;  // by the writer
  bool end_flies_ = false;
  bool end_arrived_ = false;
  bool abandoned_ = false;
  std::uint64_t carried_ = 0;
};

}  // namespace penstock
