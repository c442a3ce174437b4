#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace penstock {
namespace {

TEST(Bytes, NumbersAreBigEndian) {
  std::array<std::byte, 8> bytes{};

  store_u16(bytes.data(), 0x0102);
  EXPECT_EQ(to_hex(Bytes{bytes}.first(2)), "0102");
  EXPECT_EQ(load_u16(bytes.data()), 0x0102);

  store_u32(bytes.data(), 0xfedcba98);
  EXPECT_EQ(to_hex(Bytes{bytes}.first(4)), "fedcba98");
  EXPECT_EQ(load_u32(bytes.data()), 0xfedcba98U);

  store_u64(bytes.data(), 0xf123456789abcdef);
  EXPECT_EQ(to_hex(bytes), "f123456789abcdef");
  EXPECT_EQ(load_u64(bytes.data()), 0xf123456789abcdefU);
}

TEST(Bytes, TextAndBytesAreViewsOfEachOther) {
  EXPECT_EQ(to_hex(as_bytes("a\xff")), "61ff");
  EXPECT_EQ(as_text(as_bytes("text")), "text");
}

TEST(Bytes, ConstantTimeEqualityIsEquality) {
  EXPECT_TRUE(equal_constant_time(as_bytes("same"), as_bytes("same")));
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_FALSE(equal_constant_time(as_bytes("same"), as_bytes("sama")));
  EXPECT_FALSE(equal_constant_time(as_bytes("same"), as_bytes("tame")));
  EXPECT_FALSE(equal_constant_time(as_bytes("same"), as_bytes("sam")));
}

TEST(Bytes, RandomFillsToTheEdgeAndNotBeyond) {
  std::array<std::byte, 34> seen{};
  for (int round = 0; round < 64; ++round) {
    std::array<std::byte, 34> bytes{};
    fill_random(MutableBytes{bytes}.subspan(1, 32));
    for (std::size_t i = 0; i < bytes.size(); ++i) seen[i] |= bytes[i];
  }
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i] == std::byte{0}, i == 0 || i == 33) << i;
  EXPECT_NE(random_u64(), random_u64());
}

// RFC 4648, section 10, without the padding.
constexpr std::pair<std::string_view, std::string_view> kVectors[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
};

TEST(Base64Url, MatchesThePublishedVectors) {
  for (const auto& [plain, encoded] : kVectors) {
    EXPECT_EQ(to_base64url(as_bytes(plain)), encoded);
    std::string back;
    EXPECT_TRUE(from_base64url(encoded, back));
    EXPECT_EQ(back, plain);
  }
}

TEST(Base64Url, UsesTheTwoCharactersOfTheUrlAlphabet) {
  EXPECT_EQ(to_base64url(as_bytes("\xfb\xff\xbf")), "-_-_");
  std::string back;
  EXPECT_FALSE(from_base64url("+/+/", back));
}

TEST(Base64Url, EveryByteComesBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (std::size_t size = 0; size <= all.size(); ++size) {
    std::string back;
    ASSERT_TRUE(from_base64url(to_base64url(as_bytes(all).first(size)), back));
    ASSERT_EQ(back, all.substr(0, size));
  }
}

TEST(Base64Url, RefusesWhatEncodingCannotMake) {
  std::string out;
  for (const std::string_view text :
       {"A", "AAAAA", "AB", "AAB", "Zg==", "Zg=", "Z g", " Zg", "Zg\n", "Zm9v!", "\xc3\xa4"}) {
    EXPECT_FALSE(from_base64url(text, out)) << text;
  }
  EXPECT_FALSE(from_base64url(std::string_view{"Zg\0", 3}, out));
}

}  // namespace
}  // namespace penstock
