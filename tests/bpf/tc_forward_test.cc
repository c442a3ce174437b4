// Direct sessions on TC: what leaves, to the byte, with and without Ethernet headers, and what goes to
// sockets.
#include <algorithm>

#include "bpf/bpf_test.h"
#include "support/sim_random.h"

namespace penstock {
namespace {

class TcForwardTest : public BpfTest {
 protected:
  void direct(const Ends& client_side, const Ends& backend_side, std::uint32_t more_flags = 0) {
    pst_session session = model_session(id, client_side, backend_side);
    session.flags = PST_SESSION_DIRECT | more_flags;
    add(session);
  }
  void expect_sent(const std::string& program, const Octets& in, const Octets& expected) {
    const Outcome out = run(program, in);
    EXPECT_EQ(summary(out), "redirect forwarded") << program;
    EXPECT_EQ(out.packet, expected) << program;
  }
  /// By a way with an Ethernet header, from interfaces with one and without.
  void expect_forwarded(const Packet& in, const Packet& expected) {
    expect_sent("edge_tc", in.bytes(), expected.bytes());
    expect_sent("edge_tc_bare", in.ip_bytes(), expected.bytes());
  }
  void expect_left(const Packet& packet, const std::string& reason) {
    for (const bool bare : {false, true}) {
      const Octets bytes = bare ? packet.ip_bytes() : packet.bytes();
      const Outcome out = run(bare ? "edge_tc_bare" : "edge_tc", bytes);
      EXPECT_EQ(summary(out), "pass " + reason);
      EXPECT_EQ(out.packet, bytes);
    }
  }
};

TEST_F(TcForwardTest, RewritesBothWays) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends);
    for (const std::size_t size : {0, 1, 2, 999, 1400}) {
      expect_forwarded(from_client(ends).payload(size), to_backend(ends).payload(size).ttl(63));
      expect_forwarded(from_backend(ends).payload(size), to_client(ends).payload(size).ttl(63));
      expect_sent("hub_tc", from_backend(ends).payload(size).bytes(),
                  to_client(ends).payload(size).ttl(63).bytes());
      expect_sent("hub_tc_bare", from_backend(ends).payload(size).ip_bytes(),
                  to_client(ends).payload(size).ttl(63).bytes());
    }
  }
}

TEST_F(TcForwardTest, KeepsWhatTheSenderSet) {
  direct(kV4, kV4);
  expect_forwarded(from_client(kV4).id(4711).tos(0xba).may_fragment().ttl(2),
                   to_backend(kV4).id(4711).tos(0xba).may_fragment().ttl(1));
  expect_forwarded(from_client(kV4).payload(40).no_checksum(),
                   to_backend(kV4).payload(40).no_checksum().ttl(63));
  direct(kV6, kV6);
  expect_forwarded(from_client(kV6).tos(0x2c).ttl(255), to_backend(kV6).tos(0x2c).ttl(254));
}

TEST_F(TcForwardTest, TakesTagsAndTrailingBytesOff) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends);
    const Octets expected = to_backend(ends).payload(40).ttl(63).bytes();
    expect_sent("edge_tc", from_client(ends).payload(40).vlan(5).bytes(), expected);
    expect_sent("edge_tc", from_client(ends).payload(40).vlan(5, 0x88a8).vlan(6).bytes(), expected);
    expect_sent("edge_tc", from_client(ends).payload(40).trailing(18).bytes(), expected);
    expect_sent("edge_tc", from_client(ends).payload(40).vlan(7).trailing(3).bytes(), expected);
  }
}

/// Sums that come out as 0 are the ones that a wrong fold shows in.
TEST_F(TcForwardTest, SumsLikeThoseWhoSumItAll) {
  SimRandom random{20261126};
  int zeros = 0;
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends);
    for (int i = 0; i < packets_of(1500); ++i) {
      Octets payload(random.between(2, 60));
      for (auto& octet : payload) octet = static_cast<std::uint8_t>(random.number());
      const auto expect = [&] { return to_backend(ends).payload(payload).ttl(63); };
      const std::size_t at = 14 + (ends.client == kV4.client ? 20 : 40) + 6;
      if (i % 10 == 0) {  // a payload that makes the sum 0
        payload[0] = payload[1] = 0;
        const Octets bytes = expect().bytes();
        payload[0] = bytes[at];
        payload[1] = bytes[at + 1];
      }
      const Octets expected = expect().bytes();
      zeros += expected[at] == 0xff && expected[at + 1] == 0xff ? 1 : 0;
      expect_sent("edge_tc", from_client(ends).payload(payload).bytes(), expected);
    }
  }
  EXPECT_GE(zeros, packets_of(100));
}

TEST_F(TcForwardTest, LeavesByDevicesWithoutEthernet) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends);
    set_hop(1, 1420, 0, kHopDevice, PST_HOP_BARE);
    set_hop(2, 1420, 0, kHopDevice, PST_HOP_BARE);
    // The system takes the Ethernet header off, after the program.
    expect_sent("edge_tc", from_client(ends).payload(40).bytes(),
                to_backend(ends).eth(kOurMac, kTheirMac).payload(40).ttl(63).bytes());
    expect_sent("edge_tc_bare", from_backend(ends).payload(40).ip_bytes(),
                to_client(ends).payload(40).ttl(63).ip_bytes());
  }
}

TEST_F(TcForwardTest, LeavesToSocketsWhatNeedsAnotherLength) {
  direct(kV4, kV4, PST_SESSION_PROXY);
  expect_left(from_client(kV4).payload(20), "to_socket");
  expect_forwarded(from_backend(kV4).payload(20), to_client(kV4).payload(20).ttl(63));
  for (const auto& [outside, inside] : {std::pair{kV4, kV6}, std::pair{kV6, kV4}}) {
    direct(outside, inside);
    expect_left(from_client(outside).payload(20), "to_socket");
    expect_left(from_backend(inside).payload(20), "to_socket");
  }
}

TEST_F(TcForwardTest, LeavesToTheSystemWhatCannotLeave) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends);
    expect_left(from_client(ends).ttl(1), "ttl_expired");
    set_hop(2, 1300);
    const std::size_t longest = 1300 - (ends.client == kV4.client ? 28 : 48);
    expect_forwarded(from_client(ends).payload(longest), to_backend(ends).payload(longest).ttl(63));
    expect_left(from_client(ends).payload(longest + 1), "over_mtu");
    map("pst_next_hops").put(std::uint32_t{2}, pst_next_hop{});
    expect_left(from_client(ends).payload(5), "no_next_hop");
    set_hop(2, 1500, 0, 0);  // this host itself
    expect_left(from_client(ends).payload(5), "no_next_hop");
    set_hop(2, 1500);
  }
}

TEST_F(TcForwardTest, CountsEachOfJoinedDatagrams) {
  direct(kV4, kV4);
  set_hop(2, 128);  // each of them fits, not the whole
  const Packet in = from_client(kV4).payload(350);
  const Outcome out = run("edge_tc", in.bytes(), 4);
  EXPECT_EQ(summary(out), "redirect forwarded");
  EXPECT_EQ(out.packet, to_backend(kV4).payload(350).ttl(63).bytes());
  set_hop(2, 127);
  EXPECT_EQ(summary(run("edge_tc", in.bytes(), 4)), "pass over_mtu");
  EXPECT_EQ(summary(run("edge_tc", from_backend(kV4).payload(7).bytes())), "redirect forwarded");
  const pst_session session = stored(id);
  EXPECT_EQ(session.to_backend_datagrams, 4U);
  EXPECT_EQ(session.to_backend_bytes, 350U);
  EXPECT_EQ(session.to_client_datagrams, 1U);
  EXPECT_EQ(session.to_client_bytes, 7U);
}

}  // namespace
}  // namespace penstock
