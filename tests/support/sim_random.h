// Random choices that a seed repeats.
#pragma once

#include <cstdint>
#include <random>

namespace penstock {

/// The seed belongs in the message of every assertion that may depend on it.
class SimRandom {
 public:
  explicit SimRandom(std::uint64_t seed) : engine_{seed} {}

  /// A number from `least` to `most`, both included.
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + engine_() % (most - least + 1);
  }
  bool chance(double probability) { return static_cast<double>(engine_() >> 11) * 0x1p-53 < probability; }
  std::uint64_t number() { return engine_(); }
  /// Sizes as traffic has them: mostly small, some up to `most`.
  std::uint64_t size(std::uint64_t most) { return between(0, between(0, between(0, most))); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace penstock
