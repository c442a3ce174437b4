// One UDP session: its path, its state, when each side last sent, and how much.
#pragma once

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

/// One session. Owned by its table, at an address that stays while it lives. Its id and path are the table's
/// to change, its state too. Two cache lines: the first has what a lookup and the search for silent ones
/// read.
struct alignas(64) Session {
  SessionId id;
  SessionState state = SessionState::kUnreplied;
  SessionPath path;
  Time client_sent{};   // when the client last sent, as this node saw it; at first, when the session opened
  Time backend_sent{};  // when the backend last did; the epoch: never
  Duration idle{};      // an assured session silent this long is over
  Time opened{};
  std::uint64_t to_backend_datagrams = 0;
  std::uint64_t to_backend_bytes = 0;
  std::uint64_t to_client_datagrams = 0;
  std::uint64_t to_client_bytes = 0;

 private:
  friend class SessionTable;
  std::uint32_t older_ = 0;  // neighbours in the list of unassured sessions, by index in the table
  std::uint32_t newer_ = 0;  // or of a slot that is free, the one that was freed next
  bool live_ = false;        // the slot has a session now
};

}  // namespace penstock
