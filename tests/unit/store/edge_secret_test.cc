#include "store/edge_secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EdgeSecret, IsAnHmacOfTheSecretUnderItsSalt) {
  // Computed by another program: openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...0f
  EdgeSecret kept;
  for (std::size_t i = 0; i < kept.salt.size(); ++i) kept.salt[i] = static_cast<std::byte>(i);
  kept.hash = {};
  EXPECT_FALSE(matches(kept, "correct horse battery staple"));

  constexpr std::string_view kHash = "104a98568e7997b3067cfbf054f4910aaed137a257c3e4c16cac96f437b91abc";
  for (std::size_t i = 0; i < kept.hash.size(); ++i) {
    kept.hash[i] = static_cast<std::byte>(std::stoi(std::string{kHash.substr(2 * i, 2)}, nullptr, 16));
  }
  EXPECT_TRUE(matches(kept, "correct horse battery staple"));
  EXPECT_FALSE(matches(kept, "correct horse battery stapl"));
}

TEST(EdgeSecret, MatchesItsOwnSecretAlone) {
  const EdgeSecret kept = make_edge_secret("0123456789abcdef");

  EXPECT_TRUE(matches(kept, "0123456789abcdef"));
  EXPECT_FALSE(matches(kept, "0123456789abcdeF"));
  EXPECT_FALSE(matches(kept, "0123456789abcdef "));
  EXPECT_FALSE(matches(kept, ""));
}

TEST(EdgeSecret, SaltsEachTimeAnew) {
  const EdgeSecret one = make_edge_secret("0123456789abcdef");
  const EdgeSecret other = make_edge_secret("0123456789abcdef");

  EXPECT_NE(one.salt, other.salt);
  EXPECT_NE(one.hash, other.hash);
}

TEST(EdgeSecret, GeneratesThirtyTwoBytes) {
  const std::string one = generate_secret();
  std::string bytes;

  EXPECT_EQ(one.size(), 43U);
  EXPECT_TRUE(from_base64url(one, bytes));
  EXPECT_EQ(bytes.size(), 32U);
  EXPECT_NE(one, generate_secret());
  EXPECT_TRUE(check_imported_secret(one));
}

TEST(EdgeSecret, RefusesImportsThatAreTooShortOrCannotBeSent) {
  EXPECT_TRUE(check_imported_secret("sixteen-letters!"));
  EXPECT_TRUE(check_imported_secret(std::string(256, 'x')));
  for (const std::string& secret : {std::string{}, std::string{"fifteen-letters"}, std::string(257, 'x'),
                                    std::string{"with a space in it"}, std::string{"with-a-line-end-\n"},
                                    std::string{"beyond-ascii-\xc3\xa4\xc3\xa4"}}) {
    const auto checked = check_imported_secret(secret);
    ASSERT_FALSE(checked) << secret;
    EXPECT_EQ(checked.error().code, Errc::kRefused);
    if (!secret.empty()) {
      EXPECT_THAT(checked.error().what, Not(HasSubstr(secret)));
    }
  }
}

}  // namespace
}  // namespace penstock
