// Puts the fragments of datagrams together again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/time.h"
#include "proto/quic_datagram.h"

namespace penstock {

/// Of one carrier; pure. What waits for its other fragments is bounded in bytes, number and time: the oldest
/// goes.
class FragmentAssembler {
 public:
  static constexpr std::size_t kMostBytes = 1 << 20;
  static constexpr std::size_t kMost = 512;  // datagrams: each fragment looks through those that wait
  static constexpr Duration kLongest = std::chrono::seconds{1};

  /// The whole datagram when this was its last missing fragment, else nothing. Good until the next call.
  Bytes take(std::uint32_t session, const QuicFragment& fragment, Time now);
  /// Datagrams that were given up, since the last call.
  std::uint64_t take_lost() { return std::exchange(lost_, 0); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Partial {
    std::uint32_t session = 0;
    std::uint16_t number = 0;
    std::uint8_t count = 0;
    std::uint8_t here = 0;  // how many
    Time since{};
    std::array<std::vector<std::byte>, wire::kMaxQuicFragments> parts;
    std::size_t bytes = 0;
  };
  using Partials = std::deque<Partial>;

  void drop_old(Time now);
  Partials::iterator find(std::uint32_t session, const QuicFragment& fragment);
  void drop(const Partials::iterator& at);

  Partials partials_;  // the oldest first
  std::size_t bytes_ = 0;
  std::uint64_t lost_ = 0;
  std::vector<std::byte> whole_;
};

}  // namespace penstock
