#include "host/steering_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>
#include <vector>

#include "host/addresses.h"
#include "host/interface.h"
#include "host/next_hops.h"
#include "host/sysctl.h"
#include "unit/host/lowered_capabilities.h"
#include "unit/host/own_network.h"

namespace penstock {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

SteeringDeviceOptions sound_options() {
  return {.steering_address = address("198.18.0.1"), .network = address("198.18.0.0")};
}

TEST(SteeringDevice, RefusesOptionsThatCannotBe) {
  const std::vector<void (*)(SteeringDeviceOptions&)> faults = {
      [](auto& o) { o.near = ""; },
      [](auto& o) { o.near = "sixteen-letters-"; },
      [](auto& o) { o.far = "../../sys"; },
      [](auto& o) { o.far = "two words"; },
      [](auto& o) { o.far = o.near; },
      [](auto& o) { o.mtu = 67; },
      [](auto& o) { o.mtu = 65536; },
      [](auto& o) { o.steering_address = IpAddress{}; },
      [](auto& o) { o.steering_address = address("0.0.0.0"); },
      [](auto& o) { o.steering_address = address("2001:db8::1"); },
      [](auto& o) { o.network = address("198.18.0.1"); },
      [](auto& o) { o.network = address("2001:db8::"); },
      [](auto& o) { o.network_bits = 0; },
      [](auto& o) { o.network_bits = 31; },
      [](auto& o) { o.network_bits = 14; },  // 198.18.0.0/14 has host bits
  };
  for (std::size_t i = 0; i < faults.size(); ++i) {
    SteeringDeviceOptions options = sound_options();
    faults[i](options);
    EXPECT_EQ(open_steering_device(options).error().code, Errc::kInvalid) << i;
    EXPECT_EQ(remove_steering_device(options).error().code, Errc::kInvalid) << i;
  }
}

class SteeringDeviceTest : public OwnNetworkTest {
 protected:
  static std::uint64_t sent_by(const std::string& interface) {
    return ip_json("-statistics link show " + interface)[0]
        .at("stats64")
        .at("tx")
        .at("packets")
        .to_number<std::uint64_t>();
  }
  static std::string offloads(const std::string& interface) { return output_of("ethtool -k " + interface); }
  static std::int64_t setting(const std::string& interface, const std::string& name) {
    return *read_sysctl_number("net/ipv4/conf/" + interface + "/" + name);
  }
  bool has_steering_address() const {
    for (const HostAddress& one : *host_addresses())
      if (one == HostAddress{options_.steering_address, 32, 1}) return true;
    return false;
  }
  void expect_nothing() const {
    EXPECT_EQ(interfaces()->size(), 1U);
    EXPECT_FALSE(has_steering_address());
    EXPECT_EQ(NextHops::open()->way_to(address("198.18.5.5"))->kind, Way::Kind::kOther);
  }

  SteeringDeviceOptions options_ = sound_options();
};

TEST_F(SteeringDeviceTest, IsAPairThatIsUpWithItsRoutes) {
  options_.mtu = 1400;

  const auto device = open_steering_device(options_);

  ASSERT_TRUE(device) << device.error().what;
  const auto near = interface_named("penstock0");
  const auto far = interface_named("penstock1");
  ASSERT_TRUE(near && far);
  EXPECT_FALSE(device->adopted);
  EXPECT_EQ(device->near_index, near->index);
  EXPECT_EQ(device->far_index, far->index);
  EXPECT_EQ(device->mac, near->mac);
  EXPECT_EQ(device->mac, far->mac);
  EXPECT_EQ(near->parent, far->index);
  EXPECT_TRUE(near->up && far->up);
  EXPECT_EQ(near->mtu, 1400U);
  EXPECT_EQ(far->mtu, 1400U);
  EXPECT_TRUE(has_steering_address());
  auto hops = NextHops::open();
  EXPECT_EQ(hops->way_to(options_.steering_address)->kind, Way::Kind::kLocal);
  for (const std::string_view low : {"198.18.0.0", "198.18.255.255"})
    EXPECT_EQ(hops->way_to(address(low))->interface, near->index) << low;
  for (const std::string_view high : {"198.19.0.0", "198.19.255.255"})
    EXPECT_EQ(hops->way_to(address(high))->interface, far->index) << high;
  EXPECT_EQ(hops->way_to(address("198.20.0.0"))->kind, Way::Kind::kOther);
}

TEST_F(SteeringDeviceTest, HasTheSettingsThatTheProgramsNeed) {
  ASSERT_TRUE(write_sysctl("net/ipv4/conf/default/rp_filter", "1"));
  ASSERT_TRUE(write_sysctl("net/ipv4/conf/default/accept_local", "1"));

  const auto device = open_steering_device(options_);

  ASSERT_TRUE(device) << device.error().what;
  for (const std::string end : {"penstock0", "penstock1"}) {
    EXPECT_EQ(setting(end, "rp_filter"), 0);
    EXPECT_EQ(setting(end, "accept_local"), 0);
    EXPECT_EQ(setting(end, "route_localnet"), end == "penstock1" ? 1 : 0);
    EXPECT_EQ(*read_sysctl("net/ipv6/conf/" + end + "/disable_ipv6"), "1");
    EXPECT_THAT(offloads(end), HasSubstr("tx-checksumming: off"));
    EXPECT_THAT(offloads(end), HasSubstr("generic-segmentation-offload: on"));
    EXPECT_THAT(output_of("ip -6 addr show dev " + end), Not(HasSubstr("inet6")));
    EXPECT_THAT(output_of("ip link show " + end), HasSubstr("NOARP"));
  }
  EXPECT_TRUE(device->joins_bursts);
  EXPECT_EQ(*read_file("/sys/class/net/penstock0/gro_flush_timeout", 64), "20000\n");
  EXPECT_EQ(*read_file("/sys/class/net/penstock0/napi_defer_hard_irqs", 64), "2\n");
}

TEST_F(SteeringDeviceTest, TellsOfACheckOfSourcesThatItLeavesOn) {
  for (const int all : {0, 2}) {
    ASSERT_TRUE(write_sysctl("net/ipv4/conf/all/rp_filter", std::to_string(all)));
    EXPECT_EQ(open_steering_device(options_)->rp_filter, all);
    EXPECT_EQ(*effective_rp_filter("penstock1"), all);
    EXPECT_EQ(setting("all", "rp_filter"), all);
  }
}

TEST_F(SteeringDeviceTest, SendsToEitherHalfWithoutAskingWhoIsThere) {
  ASSERT_TRUE(open_steering_device(options_));
  const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  for (const auto& [to, by] : {std::pair{"198.18.7.7", "penstock0"}, std::pair{"198.19.7.7", "penstock1"}}) {
    const std::uint64_t before = sent_by(by);
    sockaddr_storage name{};
    const socklen_t length = Endpoint{address(to), 4242}.to_sockaddr(name);
    for (int i = 0; i < 5; ++i)
      ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&name), length), 1);
    EXPECT_EQ(sent_by(by), before + 5) << to;  // an ARP request would be one, and the datagrams would wait
  }
}

TEST_F(SteeringDeviceTest, IsAdoptedAndPutRightAgain) {
  const auto first = open_steering_device(options_);
  ASSERT_TRUE(first);
  ip("link set penstock1 down");
  ip("link set penstock0 arp on");
  ip("link set penstock1 address 02:00:00:00:00:07");
  ip("addr del 198.18.0.1/32 dev lo");
  output_of("ethtool -K penstock0 tx on");
  ASSERT_TRUE(write_sysctl("net/ipv4/conf/penstock1/route_localnet", "0"));
  options_.mtu = 1300;

  const auto again = open_steering_device(options_);

  ASSERT_TRUE(again) << again.error().what;
  EXPECT_TRUE(again->adopted);
  EXPECT_EQ(again->near_index, first->near_index);
  EXPECT_EQ(again->mac, first->mac);
  EXPECT_EQ(interface_named("penstock1")->mac, first->mac);
  EXPECT_TRUE(interface_named("penstock1")->up);
  EXPECT_EQ(interface_named("penstock0")->mtu, 1300U);
  EXPECT_THAT(output_of("ip link show penstock0"), HasSubstr("NOARP"));
  EXPECT_THAT(offloads("penstock0"), HasSubstr("tx-checksumming: off"));
  EXPECT_EQ(setting("penstock1", "route_localnet"), 1);
  EXPECT_TRUE(has_steering_address());
  EXPECT_EQ(NextHops::open()->way_to(address("198.19.1.1"))->interface, again->far_index);
}

TEST_F(SteeringDeviceTest, IsTakenAwayWithAllThatBelongsToIt) {
  ASSERT_TRUE(open_steering_device(options_));

  const auto removed = remove_steering_device(options_);

  ASSERT_TRUE(removed) << removed.error().what;
  expect_nothing();
  EXPECT_TRUE(remove_steering_device(options_));
}

TEST_F(SteeringDeviceTest, LeavesInterfacesOfOthersAlone) {
  ip("link add penstock0 type bridge");
  EXPECT_EQ(open_steering_device(options_).error().code, Errc::kExists);
  EXPECT_EQ(remove_steering_device(options_).error().code, Errc::kExists);
  EXPECT_EQ(interface_named("penstock0")->kind, "bridge");
  EXPECT_EQ(interfaces()->size(), 2U);
}

TEST_F(SteeringDeviceTest, LeavesTwoPairsThatAreNotOneAlone) {
  ip("link add penstock0 type veth peer name other0");
  ip("link add penstock1 type veth peer name other1");
  EXPECT_EQ(open_steering_device(options_).error().code, Errc::kExists);
  EXPECT_EQ(remove_steering_device(options_).error().code, Errc::kExists);
  EXPECT_EQ(interfaces()->size(), 5U);
}

TEST_F(SteeringDeviceTest, WhoseNetworkIsTakenIsNotMade) {
  make_wire();
  ip("route add 198.19.0.0/16 dev v0");

  const auto device = open_steering_device(options_);

  EXPECT_EQ(device.error().code, Errc::kExists);
  EXPECT_THAT(device.error().what, HasSubstr("198.19.0.0/16"));
  EXPECT_FALSE(interface_named("penstock0"));
  EXPECT_FALSE(has_steering_address());
  EXPECT_EQ(NextHops::open()->way_to(address("198.19.1.1"))->interface, interface_named("v0")->index);
}

TEST_F(SteeringDeviceTest, MayHaveTheSmallestNetworkAndItsFirstAddress) {
  options_.network = options_.steering_address = address("198.18.0.0");
  options_.network_bits = 30;

  for (int i = 0; i < 2; ++i) {
    const auto device = open_steering_device(options_);
    ASSERT_TRUE(device) << device.error().what;
    EXPECT_EQ(NextHops::open()->way_to(address("198.18.0.1"))->interface, device->near_index);
    EXPECT_EQ(NextHops::open()->way_to(address("198.18.0.2"))->interface, device->far_index);
  }
}

TEST_F(SteeringDeviceTest, NeedsACapabilityToBePermittedAndNoMore) {
  std::thread{[this] {
    LoweredCapabilities::become_nobody();
    const auto device = open_steering_device(options_);
    ASSERT_TRUE(device) << device.error().what;
    EXPECT_EQ(setting("penstock1", "route_localnet"), 1);
    EXPECT_TRUE(remove_steering_device(options_));
  }}.join();
  expect_nothing();
}

TEST_F(SteeringDeviceTest, IsNotMadeWithoutTheCapability) {
  std::thread{[this] {
    LoweredCapabilities::forget();
    EXPECT_FALSE(open_steering_device(options_));
    EXPECT_FALSE(remove_steering_device(options_));
  }}.join();
  expect_nothing();
}

}  // namespace
}  // namespace penstock
