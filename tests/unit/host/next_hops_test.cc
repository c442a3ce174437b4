#include "host/next_hops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/interface.h"
#include "unit/host/lowered_capabilities.h"
#include "unit/host/own_network.h"

namespace penstock {
namespace {

using testing::HasSubstr;

TEST(NextHops, KnowLoopbackWithoutAnyPrivilege) {
  const LoweredCapabilities lowered;
  auto hops = NextHops::open();
  ASSERT_TRUE(hops);

  const auto way = hops->way_to(address("127.0.0.1"));

  ASSERT_TRUE(way) << way.error().what;
  EXPECT_EQ(way->kind, Way::Kind::kLocal);
  EXPECT_EQ(way->interface, 1U);
  EXPECT_EQ(way->source, address("127.0.0.1"));
  EXPECT_EQ(way->neighbour, address("127.0.0.1"));
  EXPECT_GE(way->mtu, 1280U);
}

class NextHopsTest : public OwnNetworkTest {
 protected:
  void SetUp() override {
    OwnNetworkTest::SetUp();
    if (IsSkipped()) return;
    make_wire();
    v0_ = interface_named("v0")->index;
    hops_ = std::make_unique<NextHops>(*NextHops::open());
  }
  Way way(std::string_view to) {
    const auto found = hops_->way_to(address(to));
    EXPECT_TRUE(found) << found.error().what;
    return found ? *found : Way{};
  }
  std::optional<Mac> neighbour(std::string_view of) {
    const auto found = hops_->neighbour(v0_, address(of));
    EXPECT_TRUE(found) << found.error().what;
    return found ? *found : std::nullopt;
  }

  std::uint32_t v0_ = 0;
  std::unique_ptr<NextHops> hops_;
};

TEST_F(NextHopsTest, OnTheLinkAreTheDestinationItself) {
  for (const auto& [to, from] :
       {std::pair{"10.0.0.7", "10.0.0.1"}, std::pair{"2001:db8::7", "2001:db8::1"}}) {
    EXPECT_EQ(way(to), (Way{Way::Kind::kUnicast, v0_, address(to), address(from), 1500}));
  }
}

TEST_F(NextHopsTest, BehindAGatewayAreTheGateway) {
  ip("route add default via 10.0.0.254");
  ip("route add default via 2001:db8::fe");

  EXPECT_EQ(way("192.0.2.9"),
            (Way{Way::Kind::kUnicast, v0_, address("10.0.0.254"), address("10.0.0.1"), 1500}));
  EXPECT_EQ(way("2001:db8:9::9"),
            (Way{Way::Kind::kUnicast, v0_, address("2001:db8::fe"), address("2001:db8::1"), 1500}));
}

TEST_F(NextHopsTest, OfIpv4MayBeAnIpv6Gateway) {
  ip("route add 192.0.2.0/24 via inet6 2001:db8::fe dev v0");

  EXPECT_EQ(way("192.0.2.9").neighbour, address("2001:db8::fe"));
}

TEST_F(NextHopsTest, HaveTheMtuOfTheRouteOrElseOfTheInterface) {
  ip("link set v0 mtu 1400");
  ip("route add 192.0.2.0/24 via 10.0.0.254 mtu 1300");
  ip("route add 2001:db8:9::/48 via 2001:db8::fe mtu 1290");

  EXPECT_EQ(way("10.0.0.7").mtu, 1400U);
  EXPECT_EQ(way("192.0.2.9").mtu, 1300U);
  EXPECT_EQ(way("2001:db8:9::9").mtu, 1290U);
}

TEST_F(NextHopsTest, OfOurOwnAddressesAreLocal) {
  for (const std::string_view own : {"10.0.0.1", "2001:db8::1", "127.1.2.3", "::1"}) {
    EXPECT_EQ(way(own).kind, Way::Kind::kLocal) << own;
  }
}

TEST_F(NextHopsTest, AreNoneWhereNoRouteLeads) {
  ip("route add unreachable 192.0.2.0/25");
  ip("route add blackhole 192.0.2.128/25");
  ip("route add prohibit 198.51.100.0/24");
  ip("route add unreachable 2001:db8:1::/48");
  ip("route add blackhole 2001:db8:2::/48");
  ip("route add prohibit 2001:db8:3::/48");
  for (const std::string_view to :
       {"203.0.113.1", "2001:db8:ffff::1", "192.0.2.1", "192.0.2.129", "198.51.100.1", "2001:db8:1::1",
        "2001:db8:2::1", "2001:db8:3::1", "10.0.0.255", "255.255.255.255", "224.0.0.1", "ff02::1"}) {
    EXPECT_EQ(way(to), Way{}) << to;
  }
}

TEST_F(NextHopsTest, DependOnTheSourceWherePoliciesDo) {
  ip("addr add 10.0.0.2/24 dev v0");
  ip("rule add from 10.0.0.2 table 77");
  ip("route add default via 10.0.0.77 dev v0 table 77");
  ip("route add default via 10.0.0.254");

  EXPECT_EQ(hops_->way_to(address("192.0.2.9"), address("10.0.0.1"))->neighbour, address("10.0.0.254"));
  const auto by_policy = hops_->way_to(address("192.0.2.9"), address("10.0.0.2"));
  EXPECT_EQ(*by_policy, (Way{Way::Kind::kUnicast, v0_, address("10.0.0.77"), address("10.0.0.2"), 1500}));
}

TEST_F(NextHopsTest, FromAnAddressThatIsNotOursAreNone) {
  EXPECT_EQ(*hops_->way_to(address("10.0.0.7"), address("192.0.2.1")), Way{});
  EXPECT_EQ(*hops_->way_to(address("10.0.0.7"), address("2001:db8::1")), Way{});
}

TEST_F(NextHopsTest, NeighboursAreThoseTheKernelKnows) {
  ip("neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev v0 nud permanent");
  ip("neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev v0 nud stale");
  ip("neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v0 nud failed");
  ip("neigh add 2001:db8::7 lladdr 02:00:00:00:00:17 dev v0 nud reachable");

  EXPECT_EQ(neighbour("10.0.0.7")->to_string(), "02:00:00:00:00:07");
  EXPECT_EQ(neighbour("10.0.0.8")->to_string(), "02:00:00:00:00:08");
  EXPECT_EQ(neighbour("10.0.0.9"), std::nullopt);
  EXPECT_EQ(neighbour("10.0.0.10"), std::nullopt);
  EXPECT_EQ(neighbour("2001:db8::7")->to_string(), "02:00:00:00:00:17");
  EXPECT_EQ(neighbour("2001:db8::8"), std::nullopt);
  EXPECT_FALSE(hops_->neighbour(0x7fffffff, address("10.0.0.7")));
}

TEST_F(NextHopsTest, AUsedNeighbourIsAskedFor) {
  ASSERT_TRUE(hops_->use_neighbour(v0_, address("10.0.0.7")));
  ASSERT_TRUE(hops_->use_neighbour(v0_, address("10.0.0.7")));

  EXPECT_EQ(neighbour("10.0.0.7"), std::nullopt);
  EXPECT_THAT(output_of("ip neigh show to 10.0.0.7 dev v0"), HasSubstr("INCOMPLETE"));
}

TEST_F(NextHopsTest, AStaleNeighbourIsVerifiedWhenUsed) {
  ip("neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev v0 nud stale");

  ASSERT_TRUE(hops_->use_neighbour(v0_, address("10.0.0.8")));

  EXPECT_THAT(output_of("ip neigh show to 10.0.0.8 dev v0"), HasSubstr("DELAY"));
  EXPECT_EQ(neighbour("10.0.0.8")->to_string(), "02:00:00:00:00:08");
}

TEST_F(NextHopsTest, APermittedCapabilityIsEnoughToUseANeighbour) {
  const LoweredCapabilities lowered;
  auto hops = NextHops::open();
  ASSERT_TRUE(hops);

  const auto used = hops->use_neighbour(v0_, address("10.0.0.7"));
  EXPECT_TRUE(used) << used.error().what;
}

}  // namespace
}  // namespace penstock
