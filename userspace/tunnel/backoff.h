// How long to wait before the next attempt.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace penstock {

/// Doubling from `first` to `most`, each time jittered over the upper half so that many do not come back at
/// once.
class Backoff {
 public:
  Backoff(Duration first, Duration most) : first_{first}, most_{most} {}
  /// `random` is any number; the same number gives the same delay.
  Duration next(std::uint64_t random);
  void succeeded() { attempts_ = 0; }

 private:
  Duration first_;
  Duration most_;
  unsigned attempts_ = 0;
};

}  // namespace penstock
