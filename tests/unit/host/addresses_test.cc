#include "host/addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/interface.h"
#include "unit/host/own_network.h"

namespace penstock {
namespace {

using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

std::vector<HostAddress> listed_by_ip() {
  std::vector<HostAddress> all;
  for (const auto& link : ip_json("addr")) {
    if (!link.as_object().contains("ifindex")) continue;
    for (const auto& one : link.at("addr_info").as_array()) {
      all.push_back({*IpAddress::parse(one.at("local").as_string().c_str()),
                     one.at("prefixlen").to_number<int>(), link.at("ifindex").to_number<std::uint32_t>()});
    }
  }
  return all;
}

TEST(HostAddresses, AreThoseThatIpLists) {
  const auto found = host_addresses();
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_THAT(*found, UnorderedElementsAreArray(listed_by_ip()));
}

class HostAddressesTest : public OwnNetworkTest {};

TEST_F(HostAddressesTest, AreOursAndNotThePeers) {
  make_wire();
  ip("addr add 192.0.2.1 peer 192.0.2.2/32 dev v1");
  const std::uint32_t v0 = interface_named("v0")->index;
  const std::uint32_t v1 = interface_named("v1")->index;

  const auto found = host_addresses();

  ASSERT_TRUE(found);
  EXPECT_THAT(*found, UnorderedElementsAre(HostAddress{*IpAddress::parse("127.0.0.1"), 8, 1},
                                           HostAddress{*IpAddress::parse("::1"), 128, 1},
                                           HostAddress{*IpAddress::parse("10.0.0.1"), 24, v0},
                                           HostAddress{*IpAddress::parse("2001:db8::1"), 64, v0},
                                           HostAddress{*IpAddress::parse("192.0.2.1"), 32, v1}));
}

}  // namespace
}  // namespace penstock
