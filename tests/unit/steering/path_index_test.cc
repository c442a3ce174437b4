#include "steering/path_index.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

#include "support/sim_random.h"
#include "unit/steering/paths.h"

namespace penstock {
namespace {

constexpr SipKey kKey{1, 2};

TEST(PathIndexTest, FindsNothingWhereNothingFits) {
  const PathIndex index{0, kKey};
  EXPECT_EQ(index.find(numbered_path(1), numbered_path), PathIndex::kNone);
}

TEST(PathIndexTest, HasAPowerOfTwoOfBucketsAtLeastTwiceItsCapacity) {
  struct Case {
    std::uint32_t capacity;
    std::size_t buckets;
  };
  for (const Case& c : {Case{0, 2}, Case{1, 2}, Case{2, 4}, Case{3, 8}, Case{4, 8}, Case{5, 16},
                        Case{1000, 2048}, Case{1024, 2048}, Case{1025, 4096}}) {
    const PathIndex index{c.capacity, kKey};
    EXPECT_EQ(index.bytes(), c.buckets * 4) << "capacity " << c.capacity;
  }
}

TEST(PathIndexTest, TellsPathsApartByEachOfTheirParts) {
  const SessionPath base = numbered_path(0);
  std::vector<SessionPath> paths(5, base);
  paths[1].local.port ^= 1;
  paths[2].remote.port ^= 1;
  paths[3].local.address = IpAddress::v4(1);
  std::swap(paths[4].local, paths[4].remote);
  const auto at = [&](std::uint32_t number) -> const SessionPath& { return paths[number]; };
  PathIndex index{5, kKey};
  for (std::uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(index.find(paths[i], at), PathIndex::kNone) << i;
    index.insert(paths[i], i);
  }

  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(index.find(paths[i], at), i);
}

TEST(PathIndexTest, AbortsRatherThanBreakItsRules) {
  PathIndex index{2, kKey};
  index.insert(numbered_path(0), 0);
  EXPECT_DEATH(index.erase(numbered_path(1), 1, numbered_path), "");
  EXPECT_DEATH(index.erase(numbered_path(0), 1, numbered_path), "");
  index.insert(numbered_path(1), 1);
  EXPECT_DEATH(index.insert(numbered_path(2), 2), "");
}

/// The oracle is a std::set. Small and full indices, so that runs of buckets are long and cross the end.
class PathIndexRandomTest : public testing::TestWithParam<std::pair<std::uint64_t, std::uint32_t>> {};

TEST_P(PathIndexRandomTest, BehavesLikeASet) {
  const auto [seed, capacity] = GetParam();
  SimRandom random{seed};
  PathIndex index{capacity, {random.number(), random.number()}};
  std::set<std::uint32_t> oracle;  // numbers of paths; each stands for itself
  for (int step = 0; step < 30'000; ++step) {
    const auto number = static_cast<std::uint32_t>(random.between(0, capacity * 2));
    const bool here = oracle.contains(number);
    ASSERT_EQ(index.find(numbered_path(number), numbered_path), here ? number : PathIndex::kNone)
        << "seed " << seed;
    if (here && random.chance(0.4)) {
      index.erase(numbered_path(number), number, numbered_path);
      oracle.erase(number);
    } else if (!here && oracle.size() < capacity) {
      index.insert(numbered_path(number), number);
      oracle.insert(number);
    }
    ASSERT_EQ(index.size(), oracle.size());
    if (step % 100 != 0) continue;
    for (std::uint32_t n = 0; n <= capacity * 2; ++n) {
      ASSERT_EQ(index.find(numbered_path(n), numbered_path), oracle.contains(n) ? n : PathIndex::kNone)
          << "seed " << seed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(SeedsAndCapacities, PathIndexRandomTest,
                         testing::Values(std::pair{1U, 1U}, std::pair{2U, 2U}, std::pair{3U, 4U},
                                         std::pair{4U, 8U}, std::pair{5U, 16U}, std::pair{6U, 17U},
                                         std::pair{7U, 128U}));

}  // namespace
}  // namespace penstock
