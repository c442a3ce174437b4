// Bounds of the admin server.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace penstock {

/// Who may ask: the unix socket's users ask everything, everyone else /live, /ready and /metrics.
enum class AdminAudience { kOperators, kEveryone };

struct AdminLimits {
  std::uint32_t header = 8 * 1024;                // bytes of a request's line and fields
  std::uint64_t body = 1024 * 1024;               // bytes
  std::size_t connections = 64;                   // at once per listener; further ones are closed at once
  Duration read = std::chrono::seconds{10};       // for a request to arrive whole, and between requests
  Duration answer = std::chrono::seconds{10};     // for a handler to answer; then 504
  Duration write = std::chrono::seconds{10};      // for an answer to be taken
  Duration heartbeat = std::chrono::seconds{15};  // silence until a follower is sent an empty line
  Duration reader = std::chrono::seconds{60};     // for a follower to take a piece; then it is cut off
  Duration linger = std::chrono::seconds{1};      // for a refused request to run dry
};

}  // namespace penstock
