// Faults injected by counting: the Nth operation of a whole simulated world fails.
#pragma once

#include <cstdint>

namespace penstock {

/// Every read, write, dial, listen, bind and datagram sent of a simulated network asks here first.
class SimFaults {
 public:
  /// The `number`th operation from now on fails, counted from 1; 0: none does.
  void fail(std::uint64_t number) {
    seen_ = 0;
    fail_at_ = number;
  }
  /// Counts an operation; true when it is the one that has to fail.
  bool strike() { return ++seen_ == fail_at_; }
  /// Operations since fail() was called last.
  std::uint64_t seen() const { return seen_; }

 private:
  std::uint64_t seen_ = 0;
  std::uint64_t fail_at_ = 0;
};

}  // namespace penstock
