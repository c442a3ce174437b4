#include "steering/packet_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/steering/bpf_maps.h"

namespace penstock {
namespace {

using testing::HasSubstr;

constexpr std::uint32_t index_of(std::uint32_t program, std::uint32_t reason) {
  return program * PST_R_MAX + reason;
}

class PacketCountsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = test::why_no_bpf_maps(); !why.empty()) GTEST_SKIP() << why;
    counters_.emplace(test::raw_bpf_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(pst_count),
                                        index_of(PST_PROGRAMS, PST_R_UNKNOWN)));
    drops_.emplace(test::raw_bpf_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(pst_count),
                                     PST_SERVICES * PST_SERVICE_REASONS));
  }

  /// CPU n counts n + 1 times as much as the first.
  static void count(const RawBpfMap& map, std::uint32_t index, pst_count first) {
    std::vector<pst_count> of_cpus(possible_cpus());
    for (std::size_t cpu = 0; cpu < of_cpus.size(); ++cpu)
      of_cpus[cpu] = {first.packets * (cpu + 1), first.bytes * (cpu + 1)};
    ASSERT_TRUE(map.update(&index, of_cpus.data()));
  }
  static std::uint64_t times() { return possible_cpus() * (possible_cpus() + 1) / 2; }

  /// Both maps go to it.
  PacketCounts counts() { return {std::move(*counters_), std::move(*drops_)}; }

  std::optional<RawBpfMap> counters_;
  std::optional<RawBpfMap> drops_;
};

TEST_F(PacketCountsTest, AddsUpTheCpus) {
  count(*counters_, index_of(PST_PROGRAM_STEER_IN, PST_R_STEERED), {3, 500});
  const PacketCounts all = counts();

  const auto steered = all.of(PST_PROGRAM_STEER_IN, PST_R_STEERED);
  ASSERT_TRUE(steered) << steered.error().what;
  EXPECT_EQ(steered->packets, 3 * times());
  EXPECT_EQ(steered->bytes, 500 * times());
  EXPECT_EQ(all.of(PST_PROGRAM_EDGE, PST_R_STEERED)->packets, 0U);
}

TEST_F(PacketCountsTest, ListsWhatIsNotZeroInOrder) {
  count(*counters_, index_of(PST_PROGRAM_SK_LOOKUP, PST_R_NOT_OURS), {1, 0});
  count(*counters_, index_of(PST_PROGRAM_EDGE, PST_R_TTL_EXPIRED), {1, 60});
  count(*counters_, index_of(PST_PROGRAM_EDGE, PST_R_BLOCKED), {2, 100});
  const auto rows = counts().rows();

  ASSERT_TRUE(rows) << rows.error().what;
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[0].program, PST_PROGRAM_EDGE);
  EXPECT_EQ((*rows)[0].reason, PST_R_BLOCKED);
  EXPECT_EQ((*rows)[0].count.packets, 2 * times());
  EXPECT_EQ((*rows)[1].reason, PST_R_TTL_EXPIRED);
  EXPECT_EQ((*rows)[2].program, PST_PROGRAM_SK_LOOKUP);
}

TEST_F(PacketCountsTest, KnowsTheDropsOfEachService) {
  count(*drops_, 0 * PST_SERVICE_REASONS + (PST_R_BLOCKED - PST_SERVICE_REASON_FIRST), {1, 10});
  count(*drops_, (PST_SERVICES - 1) * PST_SERVICE_REASONS + (PST_R_RATE_SERVICE - PST_SERVICE_REASON_FIRST),
        {7, 70});
  const PacketCounts all = counts();

  EXPECT_EQ(all.dropped(0, PST_R_BLOCKED)->packets, times());
  EXPECT_EQ(all.dropped(1, PST_R_BLOCKED)->packets, 0U);
  EXPECT_EQ(all.dropped(PST_SERVICES - 1, PST_R_RATE_SERVICE)->bytes, 70 * times());
}

TEST_F(PacketCountsTest, RefusesReasonsAndServicesThatAreNotCounted) {
  const PacketCounts all = counts();

  for (const Reason reason : {PST_R_BAD_OPEN, PST_R_AUTH_FAILED, PST_R_STEERED})
    EXPECT_THAT(all.dropped(0, reason).error().what, HasSubstr(label_of(reason)));
  EXPECT_FALSE(all.dropped(PST_SERVICES, PST_R_BLOCKED));
}

TEST(PacketCounts, NamesThePrograms) {
  EXPECT_EQ(PacketCounts::name_of(PST_PROGRAM_EDGE), "edge_xdp");
  EXPECT_EQ(PacketCounts::name_of(PST_PROGRAM_EDGE_TC), "edge_tc");
  EXPECT_EQ(PacketCounts::name_of(PST_PROGRAM_HUB_TC), "hub_tc");
  EXPECT_EQ(PacketCounts::name_of(PST_PROGRAM_LEAVE_TC), "leave_tc");
  EXPECT_EQ(PacketCounts::name_of(PST_PROGRAM_STEER_OUT), "steer_out_xdp");
  EXPECT_EQ(PacketCounts::name_of(PST_PROGRAM_STEER_IN), "steer_in_xdp");
  EXPECT_EQ(PacketCounts::name_of(PST_PROGRAM_SK_LOOKUP), "sk_lookup");
}

}  // namespace
}  // namespace penstock
