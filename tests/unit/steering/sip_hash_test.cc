#include "steering/sip_hash.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "support/sim_random.h"

namespace penstock {
namespace {

/// The oracle: OpenSSL's SipHash, told to do one round a word and three at the end.
std::uint64_t openssl_sip_hash_13(const SipKey& key, Bytes bytes) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac{EVP_MAC_fetch(nullptr, "SIPHASH", nullptr),
                                                              EVP_MAC_free};
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context{EVP_MAC_CTX_new(mac.get()),
                                                                          EVP_MAC_CTX_free};
  std::array<unsigned char, 16> raw_key{};
  std::memcpy(raw_key.data(), &key.k0, 8);
  std::memcpy(raw_key.data() + 8, &key.k1, 8);
  std::size_t size = 8;
  unsigned rounds = 1;
  unsigned last_rounds = 3;
  const std::array<OSSL_PARAM, 4> params{
      OSSL_PARAM_construct_size_t("size", &size), OSSL_PARAM_construct_uint("c-rounds", &rounds),
      OSSL_PARAM_construct_uint("d-rounds", &last_rounds), OSSL_PARAM_construct_end()};
  std::array<unsigned char, 8> out{};
  std::size_t length = 0;
  EXPECT_EQ(EVP_MAC_init(context.get(), raw_key.data(), raw_key.size(), params.data()), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()),
            1);
  EXPECT_EQ(EVP_MAC_final(context.get(), out.data(), &length, out.size()), 1);
  EXPECT_EQ(length, out.size());
  std::uint64_t hash = 0;
  std::memcpy(&hash, out.data(), 8);
  return hash;
}

TEST(SipHashTest, GivesThePublishedHashOfNothing) {
  EXPECT_EQ(sip_hash_13({0x0706050403020100, 0x0f0e0d0c0b0a0908}, {}), 0xabac0158050fc4dc);
}

TEST(SipHashTest, AgreesWithOpensslForEveryLengthUpTo100) {
  SimRandom random{1};
  for (std::size_t length = 0; length <= 100; ++length) {
    const SipKey key{random.number(), random.number()};
    std::vector<std::byte> bytes(length);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random.number()); });
    EXPECT_EQ(sip_hash_13(key, bytes), openssl_sip_hash_13(key, bytes)) << length << " bytes";
  }
}

TEST(SipHashTest, MakesAnotherKeyEachTime) {
  const SipKey a = SipKey::random();
  const SipKey b = SipKey::random();
  EXPECT_NE(a.k0, b.k0);
  EXPECT_NE(a.k1, b.k1);
  EXPECT_NE(a.k0, a.k1);
}

}  // namespace
}  // namespace penstock
