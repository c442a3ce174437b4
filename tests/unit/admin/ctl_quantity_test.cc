#include "penstockctl/quantity.h"

#include <gtest/gtest.h>

#include "penstockctl/table.h"

namespace penstock::ctl {
namespace {

TEST(Quantity, Sizes) {
  const std::pair<std::uint64_t, const char*> rows[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1258291, "1.2 MiB"},
      {1024 * 1024 - 1, "1.0 MiB"},
      {1023 * 1024, "1023.0 KiB"},
      {1ULL << 30, "1.0 GiB"},
      {5ULL << 40, "5.0 TiB"},
      {~0ULL, "16.0 EiB"},
  };
  for (const auto& [bytes, text] : rows) EXPECT_EQ(size_text(bytes), text) << bytes;
}

TEST(Quantity, Ages) {
  const std::pair<std::uint64_t, const char*> rows[] = {
      {0, "0s"},       {59, "59s"},     {60, "1m00s"},     {192, "3m12s"},   {3599, "59m59s"},
      {3600, "1h00m"}, {7500, "2h05m"}, {86399, "23h59m"}, {86400, "1d00h"}, {3 * 86400 + 4 * 3600, "3d04h"},
  };
  for (const auto& [seconds, text] : rows) EXPECT_EQ(age_text(seconds), text) << seconds;
}

TEST(Quantity, RoundTrips) {
  EXPECT_EQ(round_trip_text(0), "0us");
  EXPECT_EQ(round_trip_text(999), "999us");
  EXPECT_EQ(round_trip_text(12345), "12.3ms");
  EXPECT_EQ(round_trip_text(1250000), "1.25s");
}

TEST(Table, LinesUpItsColumnsAndEndsNoLineInSpace) {
  Table table{{{"NAME"}, {"N", true}, {"WHY"}}};
  table.add({"a", "1", "long reason"});
  table.add({"long name", "12345", ""});
  table.add({"b", "", "x"});

  EXPECT_EQ(table.text(),
            "NAME           N  WHY\n"
            "a              1  long reason\n"
            "long name  12345  -\n"
            "b              -  x\n");
}

TEST(Sheet, ShowsARepeatedNameOnce) {
  Sheet sheet;
  sheet.add("a", "1");
  sheet.add("long", "2");
  sheet.add("long", "3");
  sheet.add("a", "");

  EXPECT_EQ(sheet.text(), "a     1\nlong  2\n      3\na\n");
}

}  // namespace
}  // namespace penstock::ctl
