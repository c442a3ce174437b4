// Random numbers of the nodes themselves, repeatable: back-off jitter, instances, secrets.
#pragma once

#include <cstdint>

namespace penstock {

/// While it lives, base's fill_random() and all of OpenSSL draw from the seed instead of the system. One at a
/// time.
class SimEntropy {
 public:
  explicit SimEntropy(std::uint64_t seed);
  ~SimEntropy();
  SimEntropy(const SimEntropy&) = delete;
  SimEntropy& operator=(const SimEntropy&) = delete;
};

}  // namespace penstock
