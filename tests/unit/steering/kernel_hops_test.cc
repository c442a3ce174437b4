#include "steering/kernel_hops.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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
    return hops_->to_backend(address("10.0.0." + std::to_string(host))).index;
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

TEST_F(KernelHopsTest, AnInterfaceThatBecameNarrowIsAnotherWay) {
  ip("neigh add 10.0.0.10 lladdr 02:00:00:00:00:10 dev v0 nud permanent");
  const std::uint16_t wide = index_of(10);
  EXPECT_EQ(element(wide).mtu, 1500);

  ip("link set v0 mtu 1400");
  hops_->refresh(true);

  const std::uint16_t narrow = index_of(10);
  EXPECT_NE(narrow, wide);
  EXPECT_EQ(element(narrow).mtu, 1400);
  EXPECT_EQ(element(narrow).valid, 1);
}

TEST_F(KernelHopsTest, LooksAgainAtWhatTheKernelTellsNobody) {
  const IpAddress there = address("10.9.0.1");
  ip("route add 10.9.0.0/16 via 10.0.0.10 mtu 1300");
  EXPECT_EQ(hops_->to_backend(there).mtu, 1300U);
  EXPECT_EQ(hops_->to_client(there).mtu, 1300U);
  const std::uint32_t epoch = hops_->epoch();
  hops_->look_again();
  EXPECT_EQ(hops_->epoch(), epoch) << "nothing has changed";

  ip("route change 10.9.0.0/16 via 10.0.0.10 mtu 1200");
  EXPECT_EQ(hops_->to_backend(there).mtu, 1300U) << "known until its turn comes";
  hops_->look_again();

  EXPECT_EQ(hops_->epoch(), epoch + 1) << "sessions must ask again";
  EXPECT_EQ(hops_->to_backend(there).mtu, 1200U);
  EXPECT_EQ(hops_->to_client(there).mtu, 1200U);
}

TEST_F(KernelHopsTest, WhatChangedForAClientMakesNoOthersAsk) {
  const IpAddress client = address("10.9.0.1");
  ip("route add 10.9.0.0/16 via 10.0.0.10 mtu 1300");
  EXPECT_EQ(hops_->to_client(client).mtu, 1300U);
  const std::uint32_t epoch = hops_->epoch();

  ip("route change 10.9.0.0/16 via 10.0.0.10 mtu 1200");
  hops_->look_again();

  EXPECT_EQ(hops_->epoch(), epoch);
  EXPECT_EQ(hops_->to_client(client).mtu, 1200U);
}

TEST_F(KernelHopsTest, EachOfManyWaysHasItsTurn) {
  ip("route add 10.9.0.0/16 via 10.0.0.10 mtu 1300");
  std::vector<IpAddress> backends;
  for (unsigned i = 0; i < 100; ++i) backends.push_back(address("10.9.0." + std::to_string(i)));
  for (const IpAddress& each : backends) ASSERT_EQ(hops_->to_backend(each).mtu, 1300U);

  ip("route change 10.9.0.0/16 via 10.0.0.10 mtu 1200");
  for (int turn = 0; turn < 4; ++turn) hops_->look_again();

  for (const IpAddress& each : backends) EXPECT_EQ(hops_->to_backend(each).mtu, 1200U) << each.to_string();
}

}  // namespace
}  // namespace penstock
