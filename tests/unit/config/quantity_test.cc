// Durations and sizes.
#include <gtest/gtest.h>

#include "config/byte_size.h"
#include "config/duration.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsOneNumberAndOneUnit) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("5s"), 5s);
  EXPECT_EQ(parse_duration("10m"), 10min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Duration, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "5", "s", "ms", "-5s", "+5s", "5 s", " 5s", "5s ", "5S", "1.5s", "1h30m", "5d", "5us", "0x5s",
        "9223372036854775807h", "99999999999999999999s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, HoldsTheLongestThatFits) {
  EXPECT_EQ(parse_duration("2562047h"), 2562047h);
  EXPECT_EQ(parse_duration("2562048h"), std::nullopt);
  EXPECT_EQ(parse_duration("9223372036854ms"), 9223372036854ms);
  EXPECT_EQ(parse_duration("9223372036855ms"), std::nullopt);
}

TEST(Duration, WritesTheLargestUnitWithoutRemainder) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(7200s), "2h");
  EXPECT_EQ(format_duration(1ms + 999us), "1ms");
}

TEST(ByteSize, ReadsBinaryUnits) {
  EXPECT_EQ(parse_byte_size("256KiB"), 256U << 10);
  EXPECT_EQ(parse_byte_size("16MiB"), 16U << 20);
  EXPECT_EQ(parse_byte_size("1GiB"), 1U << 30);
  EXPECT_EQ(parse_byte_size("17179869183GiB"), 17179869183ULL << 30);
}

TEST(ByteSize, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "5", "KiB", "-1KiB", "1 KiB", "1kib", "1KB", "1K", "1B", "1.5MiB", "17179869184GiB"}) {
    EXPECT_EQ(parse_byte_size(text), std::nullopt) << text;
  }
}

TEST(ByteSize, WritesTheLargestUnitWithoutRemainder) {
  EXPECT_EQ(format_byte_size(0), "0");
  EXPECT_EQ(format_byte_size(1000), "1000");
  EXPECT_EQ(format_byte_size(1536), "1536");
  EXPECT_EQ(format_byte_size(3072), "3KiB");
  EXPECT_EQ(format_byte_size(1U << 20), "1MiB");
  EXPECT_EQ(format_byte_size(1ULL << 40), "1024GiB");
}

}  // namespace
}  // namespace penstock
