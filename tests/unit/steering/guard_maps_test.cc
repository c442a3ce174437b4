// The guard's maps, on a real kernel: what is written is what a program would find.
#include "steering/guard_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "steering/abi_values.h"
#include "unit/steering/bpf_maps.h"

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t kOnly = 0;
constexpr std::uint32_t kMostRules = 200'000;

AddressPrefix prefix(std::string_view text) {
  return *AddressPrefix::parse(text);
}
GuardRule block(std::string_view text) {
  return {prefix(text), true};
}
GuardRule allow(std::string_view text) {
  return {prefix(text), false};
}

class GuardMapsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = test::why_no_bpf_maps(); !why.empty()) GTEST_SKIP() << why;
    list_.emplace(
        test::raw_bpf_map(BPF_MAP_TYPE_LPM_TRIE, sizeof(pst_prefix), sizeof(pst_guard_rule), kMostRules));
    guard_.emplace(test::raw_bpf_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(pst_guard), 1));
    settings_.emplace(test::raw_bpf_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(pst_settings), 1));
  }

  /// Another owner of the same maps, as a daemon that was started again is.
  GuardMaps open() {
    return {GuardMaps::List{again(list_->raw(), sizeof(pst_prefix), sizeof(pst_guard_rule))},
            GuardMaps::Guard{again(guard_->raw(), 4, sizeof(pst_guard))}, *settings_};
  }
  static RawBpfMap again(const RawBpfMap& map, std::size_t key_size, std::size_t value_size) {
    return *RawBpfMap::adopt(FileDescriptor{::dup(map.fd())}, key_size, value_size);
  }

  /// What a program that looks this address up gets: 0 for none.
  std::uint32_t found(std::string_view address) {
    const auto rule = list_->lookup({.length = 128, .address = to_abi(*IpAddress::parse(address))});
    return rule && *rule ? (*rule)->action : 0;
  }
  std::uint16_t flag() { return (*settings_->lookup(kOnly))->guard_list; }

  std::optional<GuardMaps::List> list_;
  std::optional<GuardMaps::Guard> guard_;
  std::optional<GuardMaps::Settings> settings_;
};

TEST_F(GuardMapsTest, ProgramsFindTheLongestPrefix) {
  GuardMaps maps = open();
  ASSERT_TRUE(maps.set_all({block("192.0.2.0/24"), allow("192.0.2.128/25"), block("192.0.2.200"),
                            block("0.0.0.0/1"), block("2001:db8::/32"), allow("2001:db8:0:1::/64")}));

  struct Row {
    int number;
    std::string_view address;
    std::uint32_t action;
  };
  constexpr Row kRows[] = {
      {1, "192.0.2.0", PST_GUARD_BLOCK},
      {2, "192.0.2.127", PST_GUARD_BLOCK},
      {3, "192.0.2.128", PST_GUARD_ALLOW},
      {4, "192.0.2.200", PST_GUARD_BLOCK},
      {5, "192.0.2.201", PST_GUARD_ALLOW},
      {6, "192.0.3.0", 0},
      {7, "127.255.255.255", PST_GUARD_BLOCK},
      {8, "128.0.0.0", 0},
      {9, "2001:db8:ffff::", PST_GUARD_BLOCK},
      {10, "2001:db8:0:1::7", PST_GUARD_ALLOW},
      {11, "2001:db9::", 0},
      {12, "::192.0.2.1", 0},  // not the IPv4 address
      {13, "::", 0},
  };
  for (const Row& row : kRows) EXPECT_EQ(found(row.address), row.action) << row.number << ": " << row.address;
}

TEST_F(GuardMapsTest, ASetRuleIsChangedAndErased) {
  GuardMaps maps = open();

  ASSERT_TRUE(maps.set(block("192.0.2.0/24")));
  ASSERT_TRUE(maps.set(allow("192.0.2.0/24")));
  EXPECT_EQ(found("192.0.2.1"), PST_GUARD_ALLOW);
  EXPECT_EQ(*maps.size(), 1U);
  EXPECT_FALSE(*maps.erase(prefix("192.0.2.0/25")));  // a shorter one has it, which is another
  EXPECT_TRUE(*maps.erase(prefix("192.0.2.0/24")));
  EXPECT_FALSE(*maps.erase(prefix("192.0.2.0/24")));
  EXPECT_EQ(found("192.0.2.1"), 0U);
  EXPECT_EQ(*maps.size(), 0U);
}

TEST_F(GuardMapsTest, FlagSaysWhetherThereAreRulesAndNothingElseOfTheSettingsChanges) {
  pst_settings settings{.steering_address = 1, .lanes = 3, .any_v6 = 1, .instance = 77};
  settings.lane_port[63] = 9;
  ASSERT_TRUE(settings_->update(kOnly, settings));
  GuardMaps maps = open();

  ASSERT_TRUE(maps.set_all({block("192.0.2.1"), allow("192.0.2.2")}));
  EXPECT_EQ(flag(), 1);
  ASSERT_TRUE(maps.erase(prefix("192.0.2.1")));
  EXPECT_EQ(flag(), 1);
  ASSERT_TRUE(maps.erase(prefix("192.0.2.2")));
  EXPECT_EQ(flag(), 0);
  const pst_settings after = **settings_->lookup(kOnly);
  EXPECT_EQ(std::memcmp(&after, &settings, sizeof after), 0);
}

TEST_F(GuardMapsTest, TheNextDaemonKnowsTheRules) {
  ASSERT_TRUE(open().set_all({block("192.0.2.0/24"), block("2001:db8::/32"), allow("198.51.100.7")}));
  ASSERT_TRUE(settings_->update(kOnly, {}));  // as a start does

  GuardMaps next = open();
  ASSERT_TRUE(next.set_limits({}));
  EXPECT_EQ(flag(), 1);
  EXPECT_THAT(*next.rules(10),
              ElementsAre(block("192.0.2.0/24"), allow("198.51.100.7"), block("2001:db8::/32")));
  EXPECT_TRUE(*next.erase(prefix("198.51.100.7")));
  EXPECT_EQ(*next.size(), 2U);
}

TEST_F(GuardMapsTest, ListsWhatLiesWithinAndAround) {
  GuardMaps maps = open();
  ASSERT_TRUE(maps.set_all({block("10.0.0.0/8"), allow("10.1.0.0/16"), block("10.1.2.3"), block("11.0.0.0/8"),
                            block("2001:db8::/32")}));

  EXPECT_THAT(*maps.rules(10, prefix("10.1.0.0/16")),
              ElementsAre(block("10.0.0.0/8"), allow("10.1.0.0/16"), block("10.1.2.3")));
  EXPECT_THAT(*maps.rules(10, prefix("10.2.0.1")), ElementsAre(block("10.0.0.0/8")));
  EXPECT_THAT(*maps.rules(10, prefix("2001:db8::1")), ElementsAre(block("2001:db8::/32")));
  EXPECT_THAT(*maps.rules(10, prefix("192.0.2.1")), IsEmpty());
  EXPECT_EQ(maps.rules(2)->size(), 2U);
}

TEST_F(GuardMapsTest, OfTwoRulesForOnePrefixTheLaterCounts) {
  GuardMaps maps = open();
  ASSERT_TRUE(maps.set_all({block("192.0.2.1"), allow("192.0.2.1")}));

  EXPECT_EQ(found("192.0.2.1"), PST_GUARD_ALLOW);
  EXPECT_THAT(*maps.rules(10), ElementsAre(allow("192.0.2.1")));
}

TEST_F(GuardMapsTest, TakesHundredsOfThousandsAndNotOneTooMany) {
  std::vector<GuardRule> rules;
  for (std::uint32_t i = 0; i < kMostRules; ++i) rules.push_back({{IpAddress::v4(0x0A000000 + i), 32}, true});
  GuardMaps maps = open();

  ASSERT_TRUE(maps.set_all(rules));
  EXPECT_EQ(*maps.size(), kMostRules);
  EXPECT_EQ(found("10.3.13.63"), PST_GUARD_BLOCK);  // the last but none
  EXPECT_EQ(found("10.3.13.64"), 0U);
  const auto full = maps.set_all({allow("10.0.0.0"), block("11.0.0.1")});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::kLimit);
  EXPECT_THAT(full.error().what, HasSubstr("200000 at most"));
  EXPECT_EQ(found("10.0.0.0"), PST_GUARD_BLOCK);
  EXPECT_TRUE(maps.set(allow("10.0.0.0")));  // one that is there can change
}

TEST_F(GuardMapsTest, LimitsHaveABurstOfASecondUnlessToldAnother) {
  GuardMaps maps = open();
  pst_guard before{};
  before.new_total_bucket = {.filled_at = 5, .tokens = 6};
  ASSERT_TRUE(guard_->update(kOnly, before));

  ASSERT_TRUE(maps.set_limits({.source = {100, 0},
                               .service = {0, 0},
                               .new_source = {50, 7},
                               .new_total = {1000, 1},
                               .prefix_v4 = 24,
                               .prefix_v6 = 48}));

  const pst_guard guard = **guard_->lookup(kOnly);
  EXPECT_EQ(guard.source.per_second, 100U);
  EXPECT_EQ(guard.source.burst, 100U);
  EXPECT_EQ(guard.service.per_second, 0U);
  EXPECT_EQ(guard.new_source.burst, 7U);
  EXPECT_EQ(guard.new_total.burst, 1U);
  EXPECT_EQ(guard.prefix_v4, 24U);
  EXPECT_EQ(guard.prefix_v6, 48U);
  EXPECT_EQ(guard.new_total_bucket.filled_at, 5U);
  EXPECT_EQ(guard.new_total_bucket.tokens, 6U);
  EXPECT_EQ(*maps.limits(), (GuardLimits{.source = {100, 100},
                                         .service = {},
                                         .new_source = {50, 7},
                                         .new_total = {1000, 1},
                                         .prefix_v4 = 24,
                                         .prefix_v6 = 48}));
}

TEST_F(GuardMapsTest, MapsOfOtherSizesAreRefused) {
  const auto list = RawBpfMap::adopt(test::create_bpf_map(BPF_MAP_TYPE_HASH, 20, 8, 1), sizeof(pst_prefix),
                                     sizeof(pst_guard_rule));
  ASSERT_FALSE(list);
  EXPECT_THAT(list.error().what, HasSubstr("penstockctl detach"));
}

}  // namespace
}  // namespace penstock
