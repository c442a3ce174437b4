#include "config/toml_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(TomlDocument, KeepsTypesLinesAndOrder) {
  const auto document = parse_toml("z = 1\na = [true, \"x\"]\n\n[t]\nd = 1979-05-27\n", "p.toml");

  ASSERT_TRUE(document);
  const Value::Table& table = *document->table();
  ASSERT_EQ(table.size(), 3U);
  EXPECT_EQ(table[0].key, "z");
  EXPECT_EQ(integer_of(table[0].value), 1);
  EXPECT_EQ(table[0].value.where.line, 1U);
  ASSERT_EQ(table[1].value.list()->size(), 2U);
  EXPECT_EQ(flag_of((*table[1].value.list())[0]), true);
  EXPECT_EQ(*text_of((*table[1].value.list())[1]), "x");
  const Value* date = find(*table[2].value.table(), "d");
  ASSERT_NE(date, nullptr);
  EXPECT_EQ(std::get<Value::Other>(date->data).kind, "a date or time");
  EXPECT_EQ(date->where.line, 5U);
}

TEST(TomlDocument, NamesTheLineThatIsNotToml) {
  const auto document = parse_toml("a = 1\nb = = 2\n", "p.toml");

  ASSERT_FALSE(document);
  EXPECT_THAT(document.error().what, StartsWith("p.toml:2: "));
}

TEST(TomlDocument, RefusesAKeyWrittenTwice) {
  const auto document = parse_toml("a = 1\na = 2\n", "p.toml");

  ASSERT_FALSE(document);
  EXPECT_THAT(document.error().what, StartsWith("p.toml:2: "));
}

TEST(TomlDocument, ReadsTablesNestedAsDeepAsPermitted) {
  std::string dotted = "a";
  for (int i = 0; i < 1000; ++i) dotted += ".a";
  EXPECT_TRUE(parse_toml(dotted + " = 1\n", "p.toml"));
}

TEST(TomlDocument, RefusesTablesNestedWithoutEnd) {
  std::string dotted = "a";
  for (int i = 0; i < 100'000; ++i) dotted += ".a";
  EXPECT_THAT(parse_toml(dotted + " = 1\n", "p.toml").error().what, HasSubstr("more than 1000 dots"));
  EXPECT_FALSE(parse_toml("a = " + std::string(100'000, '['), "p.toml"));
}

TEST(TomlDocument, CountsNoDotsInStringsAndComments) {
  const std::string dots(2000, '.');

  EXPECT_TRUE(parse_toml("a = \"" + dots + "\"\n", "p.toml"));
  EXPECT_TRUE(parse_toml("a = '" + dots + "'\n", "p.toml"));
  EXPECT_TRUE(parse_toml("a = \"\"\"\n" + dots + "\"" + dots + "\"\"\"\n", "p.toml"));
  EXPECT_TRUE(parse_toml("a = \"\\\"" + dots + "\"\n", "p.toml"));
  EXPECT_TRUE(parse_toml("# it's " + dots + "\na = 1\n", "p.toml"));
  EXPECT_FALSE(parse_toml("a = \"\" # \nb" + dots + " = 1\n", "p.toml"));
}

}  // namespace
}  // namespace penstock
