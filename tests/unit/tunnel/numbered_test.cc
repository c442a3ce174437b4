#include "tunnel/numbered.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace penstock {
namespace {

TEST(NumberedTest, GivesAValueOneNumberWhileItIsUsed) {
  Numbered<std::string> values;
  const auto web = values.take("web");
  const auto mail = values.take("mail");
  ASSERT_TRUE(web && mail);
  EXPECT_NE(*web, *mail);
  EXPECT_EQ(values.take("web"), web);
  EXPECT_EQ(values[*web], "web");
  EXPECT_EQ(values.size(), 2U);

  values.give_back(*web);
  EXPECT_EQ(values[*web], "web") << "one user is left";
  values.give_back(*web);
  EXPECT_EQ(values.size(), 1U);
  EXPECT_EQ(values.take("chat"), web) << "the number is free again";
  EXPECT_EQ(values[*mail], "mail");
}

TEST(NumberedTest, HasNoNumberForMoreThanMayBe) {
  Numbered<int> values{2};
  const auto one = values.take(1);
  ASSERT_TRUE(one && values.take(2));
  EXPECT_EQ(values.take(3), std::nullopt);
  EXPECT_TRUE(values.take(2)) << "known ones have theirs";
  values.give_back(*one);
  EXPECT_EQ(values.take(3), one);
}

TEST(NumberedTest, HasANumberForEachOf65536) {
  Numbered<std::uint32_t> values;
  std::vector<bool> seen(Numbered<std::uint32_t>::kMost);
  for (std::uint32_t i = 0; i < seen.size(); ++i) {
    const auto number = values.take(i);
    ASSERT_TRUE(number) << i;
    ASSERT_FALSE(seen[*number]) << i;
    seen[*number] = true;
  }
  EXPECT_EQ(values.take(1U << 16), std::nullopt);
  for (std::uint32_t i = 0; i < seen.size(); ++i) EXPECT_EQ(values[*values.take(i)], i);
}

TEST(NumberedTest, LetsGoOfAValueWithItsLastUser) {
  Numbered<std::shared_ptr<int>> values;
  auto value = std::make_shared<int>(1);
  const std::weak_ptr<int> there = value;
  const auto number = values.take(value);
  value.reset();
  EXPECT_FALSE(there.expired());
  values.give_back(*number);
  EXPECT_TRUE(there.expired());
}

TEST(NumberedTest, VisitsWhatIsInUse) {
  Numbered<int> values;
  const auto five = values.take(5);
  values.take(3);
  values.take(9);
  values.give_back(*five);
  std::vector<int> visited;
  values.for_each([&](int value) { visited.push_back(value); });
  EXPECT_EQ(visited, (std::vector<int>{3, 9}));
}

}  // namespace
}  // namespace penstock
