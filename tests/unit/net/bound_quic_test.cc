// Sockets for QUIC: what they are set to, and which of a group gets a packet.
#include "net/bound_quic.h"

#include <gtest/gtest.h>

#include "net/bound_udp.h"
#include "unit/net/datagrams.h"

namespace penstock {
namespace {

int option(const BoundUdp& socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  ::getsockopt(static_cast<const SystemBoundUdp&>(socket).fd(), level, name, &value, &length);
  return value;
}

TEST(BoundQuicTest, NeverCutsPacketsAndHasRoomForMany) {
  const auto four = bind_quic_sockets(loopback(0), 1).value();
  EXPECT_EQ(option(*four.front(), IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
  EXPECT_GT(option(*four.front(), SOL_SOCKET, SO_RCVBUF), 212992);
  const auto six = bind_quic_sockets({IpAddress{}, 0}, 1).value();
  EXPECT_EQ(option(*six.front(), IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
}

TEST(BoundQuicTest, SharesPacketsOutByTheFirstByteOfTheirId) {
  constexpr unsigned kSockets = 3;
  AsioLoop loop;
  AsioNetwork network{loop};
  auto bound = network.bind_quic(loopback(0), kSockets).value();
  const Endpoint there = bound.front()->local;
  std::vector<std::unique_ptr<Talking>> group;
  for (auto& each : bound) group.push_back(std::make_unique<Talking>(network, std::move(each)));
  const ForeignSocket client{loopback(0)};
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string shorter{"\x40?", 2};
    shorter[1] = static_cast<char>(byte);
    std::string longer{"\xc0\0\0\0\1\x08?", 7};
    longer[6] = static_cast<char>(byte);
    for (const std::string& packet : {shorter, longer}) {
      ASSERT_TRUE(client.send(there, packet));
      std::vector<Datagram>& got = group[byte % kSockets]->receiver.datagrams;
      ASSERT_TRUE(run_until(loop, [&] { return !got.empty(); })) << byte;
      EXPECT_EQ(got.front().payload, packet);
      got.clear();
    }
  }
  for (const auto& each : group) EXPECT_TRUE(each->receiver.datagrams.empty());
}

TEST(BoundQuicTest, TakesPacketsThatAreTooShortToHaveAnId) {
  AsioLoop loop;
  AsioNetwork network{loop};
  auto bound = network.bind_quic(loopback(0), 2).value();
  const Endpoint there = bound.front()->local;
  std::vector<std::unique_ptr<Talking>> group;
  for (auto& each : bound) group.push_back(std::make_unique<Talking>(network, std::move(each)));
  const ForeignSocket client{loopback(0)};
  ASSERT_TRUE(client.send(there, "\xc0"));
  ASSERT_TRUE(run_until(
      loop, [&] { return group[0]->receiver.datagrams.size() + group[1]->receiver.datagrams.size() == 1; }));
}

}  // namespace
}  // namespace penstock
