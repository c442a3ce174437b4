#include "store/edge_secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

#include "base/bytes.h"
#include "base/text.h"
#include "config/secret_file.h"

namespace penstock {
namespace {

constexpr std::size_t kGeneratedBytes = 32;

std::array<std::byte, 32> hash_of(const std::array<std::byte, 16>& salt, std::string_view secret) {
  std::array<std::byte, 32> hash{};
  unsigned length = 0;
  const auto* made = HMAC(EVP_sha256(), salt.data(), static_cast<int>(salt.size()),
                          reinterpret_cast<const unsigned char*>(secret.data()), secret.size(),
                          reinterpret_cast<unsigned char*>(hash.data()), &length);
  if (made == nullptr || length != hash.size()) std::abort();  // only for want of memory
  return hash;
}

}  // namespace

EdgeSecret make_edge_secret(std::string_view secret) {
  EdgeSecret kept;
  fill_random(kept.salt);
  kept.hash = hash_of(kept.salt, secret);
  return kept;
}

bool matches(const EdgeSecret& kept, std::string_view secret) {
  return equal_constant_time(hash_of(kept.salt, secret), kept.hash);
}

std::string generate_secret() {
  std::array<std::byte, kGeneratedBytes> bytes{};
  fill_random(bytes);
  return to_base64url(bytes);
}

Result<void> check_imported_secret(std::string_view secret) {
  if (secret.size() < kShortestImportedSecret || secret.size() > kLongestSecret) {
    return error(Errc::kRefused, "the secret has " + std::to_string(secret.size()) +
                                     " characters: import one of " + std::to_string(kShortestImportedSecret) +
                                     " to " + std::to_string(kLongestSecret) +
                                     ", or leave it out to have one generated");
  }
  if (!is_printable(secret) || secret.find(' ') != std::string_view::npos) {
    return error(Errc::kRefused,
                 "the secret has a space or a character that is not printable ASCII: import another");
  }
  return {};
}

}  // namespace penstock
