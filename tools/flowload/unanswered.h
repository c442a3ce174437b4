// The datagrams that udp-load waits for, and what an answer is worth.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "flowload/distribution.h"

namespace penstock::flowload {

/// Counts of datagrams.
struct UdpCounts {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;    // in time, each once
  std::uint64_t late = 0;        // answers that came after they were given up
  std::uint64_t reordered = 0;   // answered after a later one of the same session
  std::uint64_t duplicates = 0;  // second answers
  std::uint64_t misrouted = 0;   // to another session than the one that asked
  std::uint64_t damaged = 0;     // not what was sent
  std::uint64_t stray = 0;       // no answer to this load
};

/// Numbers datagrams from 0 and takes the sessions in turn: number n belongs to session n modulo their
/// count. Pure.
class Unanswered {
 public:
  /// Datagrams that can be under way at once; the oldest is given up to make room for another.
  static constexpr std::size_t kMost = std::size_t{1} << 18;

  explicit Unanswered(std::uint32_t sessions) : sent_at_(kMost), last_(sessions) {}

  std::uint64_t next() const { return next_; }
  std::uint32_t session_of(std::uint64_t number) const {
    return static_cast<std::uint32_t>(number % last_.size());
  }
  /// The next so many numbers were sent.
  void sent(std::size_t count, Time now);
  /// An answer with this number came to its session.
  void answered(std::uint64_t number, Time now);
  /// Those sent before `limit` are lost.
  void give_up(Time limit);

  std::size_t waiting() const { return waiting_; }
  /// When the oldest of them was sent; kNever when nothing is waited for.
  Time oldest() const { return waiting_ == 0 ? kNever : sent_at_[oldest_ % kMost]; }
  const UdpCounts& counts() const { return counts_; }
  UdpCounts& counts() { return counts_; }
  const Distribution& round_trips() const { return round_trips_; }

 private:
  static constexpr Time kAnswered = Time::min();

  void drop_oldest();
  void skip_answered();

  std::vector<Time> sent_at_;  // of the last kMost numbers, by number modulo kMost; kAnswered once it was
  std::vector<std::uint64_t> last_;  // by session: one more than the highest number answered
  std::uint64_t next_ = 0;
  std::uint64_t oldest_ = 0;  // the first that is waited for, or next_
  std::size_t waiting_ = 0;
  UdpCounts counts_;
  Distribution round_trips_;
};

}  // namespace penstock::flowload
