// One direction of an emulated link: when each frame arrives at its far end, and whether it does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace penstock::linkem {

constexpr std::size_t kLongestFrame = 2048;  // bytes, with Ethernet's header

/// What a link does to the frames of one direction.
struct Impairments {
  std::uint64_t rate = 100'000'000;  // bits a second, of frames with Ethernet's header; not 0
  Duration delay{};                  // from the last bit's departure to its arrival
  double loss = 0;                   // share of the frames that depart and never arrive, 0 to 1
  std::size_t queue = 512'000;       // bytes that may wait for their departure
  std::uint64_t seed = 1;            // of which frames are lost
  bool operator==(const Impairments&) const = default;
};

/// Frames of one direction so far.
struct LineCounts {
  std::uint64_t passed = 0;
  std::uint64_t bytes = 0;    // of those that passed
  std::uint64_t lost = 0;     // on their way
  std::uint64_t dropped = 0;  // since the queue was full
};

/// A sender of a fixed rate behind a queue, then a delay; frames keep their order. A lost frame has used its
/// share of the rate, as on a radio link. All memory is taken at the start. No socket and no clock; one
/// thread, whose `now` never goes back.
class Line {
 public:
  explicit Line(const Impairments& impairments);

  /// A frame came, of 1 to kLongestFrame bytes.
  void offer(Bytes frame, Time now);
  /// When the next one arrives; kNever: none is under way.
  Time next() const;
  /// The oldest frames that have arrived, as many as `out` takes. They are valid, and here, until take().
  std::size_t arrived(Time now, std::span<Bytes> out) const;
  /// The oldest `frames` have left.
  void take(std::size_t frames);

  const LineCounts& counts() const { return counts_; }
  /// Bytes that a line takes.
  static std::uint64_t memory_of(const Impairments& impairments);

 private:
  struct Flight {
    Time arrival;
    std::size_t begin = 0;  // in store_
    std::size_t bytes = 0;
  };
  bool is_lost();
  bool keep(Bytes frame, Time arrival);
  const Flight& oldest(std::size_t index) const { return flights_[(first_ + index) % flights_.size()]; }

  const Impairments impairments_;
  const std::uint64_t lost_below_;  // of 2^32
  std::mt19937 random_;
  Time free_{};  // when the sender has sent all that waits
  LineCounts counts_;
  std::vector<std::byte> store_;  // frames in their order, each in one piece
  std::size_t end_ = 0;           // of the youngest
  std::vector<Flight> flights_;   // a ring
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace penstock::linkem
