// Whether long packets still arrive, on a path that took them before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace penstock {

/// What the library does not notice (RFC 8899, 4.3): a path that became narrow without a word swallows every
/// long packet, and all that is sent again in them. One packet at a time is watched; when none of those sent
/// since then is known to have arrived for long enough, the path gets short ones only, for a while: a short
/// one where it was only interrupted, longer ones where long packets fail again and again. Pure.
class LongPackets {
 public:
  /// Bytes of UDP payload that every path of QUIC takes; a packet beyond them is long.
  static constexpr std::size_t kAlways = 1200;

  /// By what its sender learns that a packet arrived.
  struct Witness {
    enum class Kind : std::uint8_t { kStream, kDatagrams } kind = Kind::kStream;
    std::uint64_t id = 0;     // of the stream; or the number that the packet's datagrams have
    std::uint64_t bytes = 0;  // of the stream, that were under way with it: all must be acknowledged
  };

  /// A long packet was sent, where a timeout of the connection is `timeout`. Without a witness it tells only
  /// that more are sent.
  void sent(Time now, Duration timeout, const std::optional<Witness>& witness);
  void stream_acknowledged(std::uint64_t id, std::uint64_t bytes);
  void datagrams_acknowledged(std::uint64_t number);
  void datagrams_lost(std::uint64_t number);
  /// Nothing more will be known of a stream.
  void forget_stream(std::uint64_t id);
  /// The path is another one.
  void forget_path() { *this = LongPackets{}; }

  /// Whether packets may not be long now.
  bool forbidden(Time now) const { return now < forbidden_until_; }

 private:
  static constexpr unsigned kFewest = 4;    // packets
  static constexpr unsigned kMostLost = 6;  // packets
  static constexpr Duration kShortest = std::chrono::milliseconds{400};
  static constexpr int kTimeouts = 3;
  static constexpr Duration kRest = std::chrono::seconds{30};  // doubled until long ones arrive again,
  static constexpr Duration kLongestRest = std::chrono::hours{3};

  bool watches(Witness::Kind kind, std::uint64_t id) const {
    return watched_ && watched_->kind == kind && watched_->id == id;
  }
  void arrived();
  void forget_watched();

  std::optional<Witness> watched_;
  Time since_{};           // of the first that is not known to have arrived
  Time last_{};            // of the last
  unsigned count_ = 0;     // from the first to the last
  unsigned lost_ = 0;      // watched ones in a row
  Duration rest_ = kRest;  // the next
  Time forbidden_until_{};
};

}  // namespace penstock
