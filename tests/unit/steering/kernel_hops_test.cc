#include "steering/kernel_hops.h"

#include <gtest/gtest.h>

#include "host/interface.h"
#include "unit/host/own_network.h"
#include "unit/steering/bpf_maps.h"

namespace penstock {
namespace {

constexpr std::uint32_t kFirst = KernelHops::kFirst;
constexpr std::uint32_t kPlaces = 8;  // for one lane's process; as many are the next one's

/// A lane on a wire with a network of neighbours, 10.0.0.0/24.
class KernelHopsTest : public OwnNetworkTest {
 protected:
  void SetUp() override {
    if (const std::string why = test::why_no_bpf_maps(); !why.empty()) GTEST_SKIP() << why;
    OwnNetworkTest::SetUp();
    if (IsSkipped()) return;
    make_wire();
    map_ = std::make_unique<KernelHops::Map>(
        test::raw_bpf_map(BPF_MAP_TYPE_ARRAY, sizeof(std::uint32_t), sizeof(pst_next_hop), PST_NEXT_HOPS));
    const std::uint32_t v0 = interface_named("v0")->index;
    hops_ = std::make_unique<KernelHops>(*NextHops::open(), *map_,
                                         std::vector{OuterInterface{.index = v0, .device = v0}}, kFirst,
                                         2 * kPlaces);
  }
  std::uint16_t index_of(unsigned host) {
    return hops_->to(*IpAddress::parse("10.0.0." + std::to_string(host))).index;
  }
  /// Neighbours 10.0.0.10 and on take all places.
  void fill() {
    for (unsigned i = 0; i < kPlaces; ++i) ASSERT_NE(index_of(10 + i), 0) << i;
  }
  pst_next_hop element(std::uint16_t index) { return map_->lookup(index)->value(); }

  std::unique_ptr<KernelHops::Map> map_;
  std::unique_ptr<KernelHops> hops_;
};

TEST_F(KernelHopsTest, IsCrowdedWhenThreeQuartersAreTaken) {
  for (unsigned i = 0; i < kPlaces * 3 / 4; ++i) {
    ASSERT_FALSE(hops_->crowded()) << i;
    ASSERT_NE(index_of(10 + i), 0);
  }
  EXPECT_TRUE(hops_->crowded());
}

TEST_F(KernelHopsTest, FreesWhatNoSessionGoesBy) {
  ip("neigh add 10.0.0.10 lladdr 02:00:00:00:00:10 dev v0 nud permanent");
  ip("neigh add 10.0.0.11 lladdr 02:00:00:00:00:11 dev v0 nud permanent");
  fill();
  ASSERT_EQ(index_of(99), 0) << "all places are taken";
  const std::uint16_t kept = index_of(10);
  const std::uint16_t freed = index_of(11);
  ASSERT_EQ(element(freed).valid, 1);
  const std::uint32_t epoch = hops_->epoch();

  std::vector<bool> used(PST_NEXT_HOPS);
  used[kept] = true;
  hops_->keep_only(used);

  EXPECT_NE(hops_->epoch(), epoch) << "sessions without a way must ask again";
  EXPECT_FALSE(hops_->crowded());
  EXPECT_EQ(element(freed).valid, 0);
  EXPECT_FALSE(hops_->usable(freed));
  EXPECT_EQ(element(kept).valid, 1);
  EXPECT_TRUE(hops_->usable(kept));
  EXPECT_EQ(index_of(10), kept);
  for (unsigned i = 0; i < kPlaces - 1; ++i) {
    const std::uint16_t index = index_of(50 + i);
    ASSERT_NE(index, 0) << i;
    ASSERT_NE(index, kept) << i;
  }
  EXPECT_EQ(index_of(99), 0) << "there are no more than before";
}

TEST_F(KernelHopsTest, ChangesNothingWhileAllAreUsed) {
  fill();
  const std::uint32_t epoch = hops_->epoch();

  hops_->keep_only(std::vector<bool>(PST_NEXT_HOPS, true));

  EXPECT_EQ(hops_->epoch(), epoch);
  EXPECT_EQ(index_of(99), 0);
}

}  // namespace
}  // namespace penstock
