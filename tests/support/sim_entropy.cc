#include "support/sim_entropy.h"

#include <openssl/rand.h>

#include <optional>
#include <random>

namespace penstock {
namespace {

std::optional<std::mt19937_64>& engine() {
  static std::optional<std::mt19937_64> current;
  return current;
}

int fill(unsigned char* out, int size) {
  for (int i = 0; i < size; ++i) out[i] = static_cast<unsigned char>((*engine())());
  return 1;
}

int ready() {
  return 1;
}

// OpenSSL 3 would rather have a provider of its own for this, which is a program in itself.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

constexpr RAND_METHOD kMethod{
    .seed = nullptr, .bytes = fill, .cleanup = nullptr, .add = nullptr, .pseudorand = fill, .status = ready};

void use(const RAND_METHOD* method) {
  RAND_set_rand_method(method);
}

}  // namespace

SimEntropy::SimEntropy(std::uint64_t seed) {
  engine().emplace(seed);
  use(&kMethod);
}

SimEntropy::~SimEntropy() {
  use(nullptr);
  engine().reset();
}

}  // namespace penstock
