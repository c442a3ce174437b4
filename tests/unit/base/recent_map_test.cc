// Finding again what was found last, whatever happens in between.
#include "base/recent_map.h"

#include <gtest/gtest.h>

#include <string>

namespace penstock {
namespace {

TEST(RecentMapTest, FindsWhatIsThere) {
  RecentMap<int, std::string> map;
  EXPECT_EQ(map.find(1), nullptr);
  EXPECT_EQ(map.emplace(1, "one"), "one");
  map[2] = "two";
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(*map.find(1), "one");
    EXPECT_EQ(*map.find(1), "one");
    EXPECT_EQ(*map.find(2), "two");
    EXPECT_EQ(map.find(3), nullptr);
  }
  EXPECT_EQ(map.emplace(1, "another"), "one");
  EXPECT_EQ(map.size(), 2U);
}

TEST(RecentMapTest, ForgetsWhatIsErased) {
  RecentMap<int, std::string> map;
  map[1] = "one";
  map[2] = "two";
  ASSERT_NE(map.find(1), nullptr);
  map.erase(2);
  EXPECT_EQ(*map.find(1), "one");
  map.erase(1);
  EXPECT_FALSE(map.contains(1));
  map[1] = "new";
  EXPECT_EQ(*map.find(1), "new");
}

/// The map grows while an element is remembered.
TEST(RecentMapTest, LeavesElementsWhereTheyAre) {
  RecentMap<int, int> map;
  map[0] = 42;
  const int* const first = map.find(0);
  for (int i = 1; i < 10'000; ++i) map[i] = i;
  EXPECT_EQ(map.find(0), first);
  EXPECT_EQ(*first, 42);
}

}  // namespace
}  // namespace penstock
