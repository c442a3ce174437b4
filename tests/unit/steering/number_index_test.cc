#include "steering/number_index.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "support/sim_random.h"

namespace penstock {
namespace {

constexpr auto kAny = [](std::uint32_t) { return true; };

TEST(NumberIndexTest, TakesNumbersBelowItsBound) {
  NumberIndex index{4};
  index.insert(1, NumberIndex::kMost - 1);
  EXPECT_EQ(index.find(1, kAny), NumberIndex::kMost - 1);
  EXPECT_DEATH(index.insert(2, NumberIndex::kMost), "");
  EXPECT_DEATH(index.insert(2, NumberIndex::kNone), "");
  EXPECT_DEATH(NumberIndex{NumberIndex::kMost + 1}, "");
}

TEST(NumberIndexTest, HoldsAsManyAsThereAreNumbers) {
  const NumberIndex index{NumberIndex::kMost};
  EXPECT_EQ(index.bytes(), std::size_t{NumberIndex::kMost} * 8);
  EXPECT_EQ(index.find(1, kAny), NumberIndex::kNone);
}

/// Nothing but the hash tells where a number is: here all have one.
TEST(NumberIndexTest, FindsEachOfThoseWithTheSameHash) {
  constexpr std::uint32_t kCount = 100;
  const auto same = [](std::uint32_t) { return std::uint64_t{0x1234'5678'9abc'def0}; };
  NumberIndex index{kCount};
  for (std::uint32_t i = 0; i < kCount; ++i) index.insert(same(i), i);
  EXPECT_DEATH(index.insert(same(0), kCount), "");
  for (std::uint32_t i = 0; i < kCount; ++i)
    EXPECT_EQ(index.find(same(i), [i](std::uint32_t number) { return number == i; }), i);
  for (std::uint32_t i = 0; i < kCount; i += 2) index.erase(same(i), i, same);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(index.find(same(i), [i](std::uint32_t number) { return number == i; }),
              i % 2 == 0 ? NumberIndex::kNone : i);
  }
  EXPECT_EQ(index.size(), kCount / 2);
}

/// The tag spares questions: of 1,000 numbers whose places are the same, hardly one is asked for in vain.
TEST(NumberIndexTest, AsksForFewNumbersInVain) {
  NumberIndex index{1000};
  for (std::uint32_t i = 0; i < 1000; ++i) index.insert(std::uint64_t{i} << 32, i);
  std::size_t asked = 0;
  EXPECT_EQ(
      index.find(std::uint64_t{999} << 32, [&](std::uint32_t number) { return ++asked, number == 999; }),
      999U);
  EXPECT_EQ(asked, 1U);
}

/// The oracle is a std::set; hashes are poor on purpose, so that runs of buckets are long and cross the end.
TEST(NumberIndexTest, BehavesLikeASetWhateverTheHash) {
  for (const std::uint64_t hashes : {1U, 2U, 7U, 64U, 1000U}) {
    SimRandom random{hashes};
    const auto hash_of = [&](std::uint32_t number) {
      return number % hashes * 0x1'0000'0001 + (number % 3 == 0 ? ~std::uint64_t{0} : 0);
    };
    NumberIndex index{40};
    std::set<std::uint32_t> oracle;
    for (int step = 0; step < 20'000; ++step) {
      const auto number = static_cast<std::uint32_t>(random.between(0, 80));
      const bool here = oracle.contains(number);
      const auto is = [number](std::uint32_t other) { return other == number; };
      ASSERT_EQ(index.find(hash_of(number), is), here ? number : NumberIndex::kNone) << hashes << " " << step;
      if (here && random.chance(0.5)) {
        index.erase(hash_of(number), number, hash_of);
        oracle.erase(number);
      } else if (!here && oracle.size() < 40) {
        index.insert(hash_of(number), number);
        oracle.insert(number);
      }
      ASSERT_EQ(index.size(), oracle.size());
    }
  }
}

}  // namespace
}  // namespace penstock
