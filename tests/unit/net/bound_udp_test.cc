#include "net/bound_udp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "unit/net/datagrams.h"

namespace penstock {
namespace {

namespace errc = boost::system::errc;
using Bound = Result<std::vector<std::unique_ptr<BoundUdp>>>;

const IpAddress kAny4 = IpAddress::v4(0);
const IpAddress kAny6;

TEST(BoundUdpTest, LetsTheSystemChooseAPort) {
  std::set<std::uint16_t> ports;
  std::vector<Bound> kept;
  for (int i = 0; i < 20; ++i) {
    kept.push_back(bind_udp_sockets(loopback(0), 1));
    ASSERT_TRUE(kept.back());
    EXPECT_EQ(kept.back()->front()->local.address, loopback(0).address);
    EXPECT_NE(kept.back()->front()->local.port, 0);
    ports.insert(kept.back()->front()->local.port);
  }
  EXPECT_EQ(ports.size(), 20U);
}

TEST(BoundUdpTest, BindsAWholeGroupToThePortThatTheSystemChose) {
  const Bound bound = bind_udp_sockets({kAny4, 0}, 4);
  ASSERT_TRUE(bound);
  ASSERT_EQ(bound->size(), 4U);
  EXPECT_NE(bound->front()->local.port, 0);
  for (const auto& each : *bound) EXPECT_EQ(each->local, bound->front()->local);
}

TEST(BoundUdpTest, GivesEachFamilyThePortForItself) {
  const Bound six = bind_udp_sockets({kAny6, 0}, 2);
  ASSERT_TRUE(six) << six.error().what;
  const std::uint16_t port = six->front()->local.port;
  EXPECT_EQ(six->front()->local.address, kAny6);
  EXPECT_TRUE(bind_udp_sockets({kAny4, port}, 2));
}

TEST(BoundUdpTest, RefusesAPortOfAnotherProgramEvenOneThatWouldShareIt) {
  for (const bool shares : {false, true}) {
    const ForeignSocket foreign{loopback(0), shares};
    ASSERT_TRUE(foreign.bound());
    const std::uint16_t port = foreign.local().port;
    for (const unsigned count : {1U, 4U}) {
      for (const IpAddress& address : {loopback(0).address, kAny4}) {
        const Endpoint on{address, port};
        const Bound bound = bind_udp_sockets(on, count);
        ASSERT_FALSE(bound) << on.to_string();
        EXPECT_EQ(bound.error().code, errc::address_in_use);
        EXPECT_EQ(bound.error().what, "cannot bind UDP " + on.to_string() + ": Address already in use");
      }
    }
  }
}

TEST(BoundUdpTest, LetsNoOtherProgramHaveThePortOfOneSocket) {
  const Bound bound = bind_udp_sockets(loopback(0), 1);
  ASSERT_TRUE(bound);
  EXPECT_FALSE((ForeignSocket{bound->front()->local, true}.bound()));
  EXPECT_FALSE(bind_udp_sockets(bound->front()->local, 1));
}

TEST(BoundUdpTest, RefusesASecondGroupOnThePort) {
  const Bound bound = bind_udp_sockets(loopback(0), 3);
  ASSERT_TRUE(bound);
  const Bound again = bind_udp_sockets(bound->front()->local, 3);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::address_in_use);
}

TEST(BoundUdpTest, GivesThePortBackWhenDestroyed) {
  Bound bound = bind_udp_sockets(loopback(0), 3);
  ASSERT_TRUE(bound);
  const Endpoint where = bound->front()->local;
  bound->clear();
  EXPECT_TRUE(bind_udp_sockets(where, 1));
}

TEST(BoundUdpTest, RefusesAnAddressOfAnotherHost) {
  const Bound bound = bind_udp_sockets({IpAddress::v4(0xc6336401), 4000}, 1);
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code, errc::address_not_available);
}

int receive_buffer_of(const Endpoint& on) {
  const Bound bound = bind_udp_sockets(on, 1);
  if (!bound) return 0;
  const FileDescriptor socket = static_cast<SystemBoundUdp&>(*bound->front()).take();
  int size = 0;
  socklen_t length = sizeof size;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &size, &length);
  return size;
}

int sysctl(const char* name) {
  int out = 0;
  std::ifstream{std::string{"/proc/sys/net/core/"} + name} >> out;
  return out;
}

TEST(BoundUdpTest, HasALargeBufferOnlyOnAPortThatWasAskedFor) {
  EXPECT_EQ(receive_buffer_of(loopback(0)), sysctl("rmem_default"));
  EXPECT_GE(receive_buffer_of(loopback(free_udp_port())), 2 * std::min(4 << 20, sysctl("rmem_max")));
}

TEST(BoundUdpTest, SharesPeersOutAmongAGroupAndKeepsEachWhereItIs) {
  AsioLoop loop;
  AsioNetwork network{loop};
  Bound bound = bind_udp_sockets(loopback(0), 4);
  ASSERT_TRUE(bound);
  const Endpoint where = bound->front()->local;
  std::vector<std::unique_ptr<Talking>> group;
  for (auto& each : *bound) group.push_back(std::make_unique<Talking>(network, std::move(each)));
  std::vector<std::unique_ptr<ForeignSocket>> peers(64);
  for (auto& each : peers) each = std::make_unique<ForeignSocket>(loopback(0));
  for (int round = 0; round < 5; ++round) {
    for (const auto& peer : peers) ASSERT_TRUE(peer->send(where, "hello"));
  }
  const auto received = [&] {
    std::size_t sum = 0;
    for (const auto& each : group) sum += each->receiver.datagrams.size();
    return sum;
  };
  ASSERT_TRUE(run_until(loop, [&] { return received() == 64 * 5; }));
  std::map<Endpoint, std::set<const Talking*>> members;
  for (const auto& each : group) {
    EXPECT_FALSE(each->receiver.datagrams.empty());
    for (const Datagram& datagram : each->receiver.datagrams) members[datagram.peer].insert(each.get());
  }
  EXPECT_EQ(members.size(), 64U);
  for (const auto& [peer, of] : members) EXPECT_EQ(of.size(), 1U) << peer.to_string();
}

}  // namespace
}  // namespace penstock
