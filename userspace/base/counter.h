// A number that one thread counts and others read.
#pragma once

#include <atomic>
#include <cstdint>

namespace penstock {

/// A number that one thread changes and any thread reads.
class Counter {
 public:
  void add(std::uint64_t by) { value_.store(get() + by, std::memory_order_relaxed); }
  void subtract(std::uint64_t by) { value_.store(get() - by, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace penstock
