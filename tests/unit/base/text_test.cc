#include "base/text.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace penstock {
namespace {

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<std::uint16_t>("0"), 0);
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<std::int64_t>("-5"), -5);
  EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551615"), 18446744073709551615ULL);
  for (const std::string_view text : {"", "-", "-1", "+1", " 1", "1 ", "1x", "x1", "0x1", "1.0", "65536"}) {
    EXPECT_EQ(parse_number<std::uint16_t>(text), std::nullopt) << text;
  }
}

TEST(IsPrintable, IsTheVisibleHalfOfAscii) {
  for (int c = 0; c < 256; ++c) {
    EXPECT_EQ(is_printable(std::string(1, static_cast<char>(c))), c >= 0x20 && c <= 0x7e) << c;
  }
  EXPECT_TRUE(is_printable(""));
  EXPECT_FALSE(is_printable("ab\x7f"));
}

TEST(Printable, EscapesAndCuts) {
  EXPECT_EQ(printable("plain ~", 10), "plain ~");
  EXPECT_EQ(printable("\x1b[31m\n\xff", 20), "\\x1b[31m\\x0a\\xff");
  EXPECT_EQ(printable("12345", 5), "12345");
  EXPECT_EQ(printable("123456", 5), "12345...");
  EXPECT_EQ(printable("", 5), "");
}

TEST(IsName, BeginsWithLetterOrDigit) {
  for (const std::string_view name : {"a", "9", "A-b_c.d", "web1"}) EXPECT_TRUE(is_name(name)) << name;
  for (const std::string_view name : {"", "-a", "_a", ".a", "a b", "a/b", "a\n", "\xc3\xa4"})
    EXPECT_FALSE(is_name(name)) << name;
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  EXPECT_FALSE(is_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace penstock
