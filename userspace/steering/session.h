// One UDP session: its path, its state, when it last sent, and how much.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/address.h"
#include "base/time.h"
#include "steering/session_id.h"

namespace penstock {

/// A session's two ends on this node's side of the tunnel: at the edge the client and the public address that
/// it used, at the hub the backend and the source that it sees.
struct SessionPath {
  Endpoint local;
  Endpoint remote;
  bool operator==(const SessionPath&) const = default;
};

enum class SessionState : std::uint8_t {
  kUnreplied,  // the backend has not answered yet
  kReplied,    // it has, and the client has sent nothing since
  kAssured,    // ... and the client sent again, as one that never saw the answer hardly does
};
std::string_view to_string(SessionState state);  // "unreplied", "replied", "assured"

/// Datagrams of a session that kernel programs forwarded alone.
struct ForwardedTraffic {
  std::uint64_t to_backend_datagrams = 0;
  std::uint64_t to_backend_bytes = 0;
  std::uint64_t to_client_datagrams = 0;
  std::uint64_t to_client_bytes = 0;
  Time client_sent{};   // when the client last sent; the epoch: never
  Time backend_sent{};  // when the backend last did
};

/// Datagrams of a session so far, and the bytes of their payload.
struct SessionTraffic {
  std::uint64_t to_backend_datagrams = 0;
  std::uint64_t to_backend_bytes = 0;
  std::uint64_t to_client_datagrams = 0;
  std::uint64_t to_client_bytes = 0;
};

/// One session. Owned by its table, at an address that stays while it lives, and the table's to change. One
/// cache line: what a lookup and the search for silent ones read. Its traffic is beside it in the table.
struct alignas(64) Session {
  static constexpr std::chrono::milliseconds kLongestIdle{(std::uint64_t{1} << 40) - 1};  // 34 years

  SessionId id;
  SessionPath path;
  Time last_sent{};  // when either side last sent, as this node saw it; at first, when the session opened

  SessionState state() const { return static_cast<SessionState>(state_); }
  /// An assured session silent this long is over. In milliseconds, rounded up.
  Duration idle() const { return std::chrono::milliseconds{idle_}; }
  /// In milliseconds, rounded down.
  Time opened() const { return Time{std::chrono::milliseconds{opened_}}; }

 private:
  friend class SessionTable;
  static constexpr std::uint32_t kIndices = (1U << 21) - 1;  // those of all slots, and of none

  std::uint32_t older() const { return static_cast<std::uint32_t>(older_); }
  std::uint32_t newer() const { return static_cast<std::uint32_t>(newer_); }
  void set_older(std::uint32_t index) { older_ = index & kIndices; }
  void set_newer(std::uint32_t index) { newer_ = index & kIndices; }
  void set_state(SessionState state) { state_ = static_cast<std::uint8_t>(state) & 3U; }
  void set_opened(Time now) {
    const auto since = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch());
    opened_ = static_cast<std::uint64_t>(since.count()) & ((std::uint64_t{1} << 43) - 1);
  }
  /// At most kLongestIdle.
  void set_idle(Duration idle) {
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(idle);
    idle_ = static_cast<std::uint64_t>(rounded.count()) & ((std::uint64_t{1} << 40) - 1);
  }

  std::uint64_t opened_ : 43 = 0;  // milliseconds of 278 years
  std::uint64_t older_ : 21 = 0;   // neighbours in the list of unassured sessions, by index in the table
  std::uint64_t newer_ : 21 = 0;   // or of a slot that is free, the one that was freed next
  std::uint64_t idle_ : 40 = 0;
  std::uint64_t state_ : 2 = 0;
  std::uint64_t live_ : 1 = 0;  // the slot has a session now
};

}  // namespace penstock
