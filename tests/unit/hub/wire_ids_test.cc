#include "hub/wire_ids.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "support/sim_random.h"

namespace penstock {
namespace {

/// What sessions are called, by index.
class WireIdsTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kSessions = 2000;

  std::uint32_t find(const WireIds::Key& key) {
    return ids_.find(key, [this](std::uint32_t index) { return keys_[index]; });
  }
  void insert(const WireIds::Key& key, std::uint32_t index) {
    keys_[index] = key;
    ids_.insert(key, index);
  }
  void erase(std::uint32_t index) {
    ids_.erase(keys_[index], index, [this](std::uint32_t other) { return keys_[other]; });
  }

  std::vector<WireIds::Key> keys_{kSessions};
  WireIds ids_{kSessions};
};

TEST_F(WireIdsTest, TellsTunnelsApartThatChoseTheSameId) {
  insert({.tunnel = 1, .id = 7}, 10);
  insert({.tunnel = 2, .id = 7}, 11);
  insert({.tunnel = (std::uint64_t{1} << 32) + 1, .id = 7}, 12);
  EXPECT_EQ(find({.tunnel = 1, .id = 7}), 10U);
  EXPECT_EQ(find({.tunnel = 2, .id = 7}), 11U);
  EXPECT_EQ(find({.tunnel = (std::uint64_t{1} << 32) + 1, .id = 7}), 12U);
  EXPECT_EQ(find({.tunnel = 3, .id = 7}), WireIds::kNone);
  EXPECT_EQ(find({.tunnel = 1, .id = 8}), WireIds::kNone);
  erase(11);
  EXPECT_EQ(find({.tunnel = 2, .id = 7}), WireIds::kNone);
  EXPECT_EQ(find({.tunnel = 1, .id = 7}), 10U);
}

/// Ids as an edge might choose them to make others slow: those that agree in any of their bits.
TEST_F(WireIdsTest, HoldsIdsThatAgreeInManyBits) {
  for (const std::uint32_t step : {1U, 1U << 10, 1U << 20, 0x0010'0001U}) {
    for (std::uint32_t i = 0; i < kSessions; ++i) insert({.tunnel = 1, .id = i * step}, i);
    EXPECT_DEATH(ids_.insert({.tunnel = 2, .id = 0}, 0), "");
    std::size_t asked = 0;
    for (std::uint32_t i = 0; i < kSessions; ++i) {
      const WireIds::Key key{.tunnel = 1, .id = i * step};
      ASSERT_EQ(ids_.find(key, [&](std::uint32_t index) { return ++asked, keys_[index]; }), i);
    }
    EXPECT_LT(asked, kSessions * 11 / 10) << step;  // each is found at its own place
    for (std::uint32_t i = 0; i < kSessions; ++i) erase(i);
    EXPECT_EQ(ids_.size(), 0U);
  }
}

TEST_F(WireIdsTest, AgreesWithAMap) {
  SimRandom random{5};
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t> oracle;
  std::vector<std::uint32_t> free;
  for (std::uint32_t i = 0; i < kSessions; ++i) free.push_back(i);
  for (int step = 0; step < 50'000; ++step) {
    const WireIds::Key key{.tunnel = random.between(1, 3),
                           .id = 0x80000000U | static_cast<std::uint32_t>(random.between(0, 1500))};
    const auto found = oracle.find({key.tunnel, key.id});
    ASSERT_EQ(find(key), found == oracle.end() ? WireIds::kNone : found->second) << step;
    if (found == oracle.end() && !free.empty()) {
      insert(key, free.back());
      oracle[{key.tunnel, key.id}] = free.back();
      free.pop_back();
    } else if (found != oracle.end() && random.chance(0.7)) {
      erase(found->second);
      free.push_back(found->second);
      oracle.erase(found);
    }
    ASSERT_EQ(ids_.size(), oracle.size());
  }
}

}  // namespace
}  // namespace penstock
