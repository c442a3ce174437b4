// Tells the streams that send much for long from those that do not.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace penstock {

struct ElephantLimits {
  std::uint64_t rate = 0;  // bytes a second above which a stream is fast; 0: none ever is
  Duration after{};        // of being fast, until it is sustained
};

/// Of one stream and direction; pure.
class ElephantWatch {
 public:
  /// Looks at what was sent up to now, at least once a second. `waits`: there is more to send now. Whether
  /// the stream is sustained from here on: once it was fast for long, until it is calm, that is slow and with
  /// nothing waiting (one that is slow because others go first is not).
  bool look(std::uint64_t sent, bool waits, Time now, const ElephantLimits& limits);

 private:
  bool sustained_ = false;
  std::uint64_t sent_ = 0;  // at the last look
  Time looked_{};
  Time fast_since_{};  // none: kNever
};

}  // namespace penstock
