// Datagrams that grow past what the way takes: forwarded to the last byte, then told or left.
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

class MtuTest : public BpfTest {
 protected:
  void direct(const Ends& client_side, const Ends& backend_side,
              std::uint32_t more_flags = PST_SESSION_PROXY) {
    pst_session session = model_session(id, client_side, backend_side);
    session.flags = PST_SESSION_DIRECT | more_flags;
    add(session);
  }
  /// "Too long, send at most `mtu`", as the answer to `in`, and no longer than it.
  void expect_told(const Packet& in, std::uint16_t mtu, Packet answer) {
    Octets quoted = in.ip_bytes();
    quoted.resize(in.is_v4() ? 28 : 48);
    in.is_v4() ? answer.icmp(3, 4, mtu, quoted) : answer.icmp(2, 0, mtu, quoted);
    const Outcome out = edge(in);
    EXPECT_EQ(summary(out), "tx told_mtu");
    EXPECT_EQ(out.packet, answer.bytes());
    EXPECT_LT(out.packet.size(), in.bytes().size());
  }
  static Packet answer_to_client(const Ends& ends) {
    return Packet{}.eth(kTheirMac, kOurMac).ip(ends.local, ends.client);
  }
};

constexpr std::size_t kHeaders4 = 28;
constexpr std::size_t kHeaders6 = 48;

TEST_F(MtuTest, ForwardsUpToTheLastByte) {
  direct(kV4, kV4);
  EXPECT_EQ(summary(edge(from_client(kV4).payload(1500 - kHeaders4 - 28))), "redirect forwarded");
  EXPECT_EQ(summary(edge(from_client(kV4).payload(1501 - kHeaders4 - 28))), "tx told_mtu");
  direct(kV6, kV6);
  EXPECT_EQ(summary(edge(from_client(kV6).payload(1500 - kHeaders6 - 52))), "redirect forwarded");
  EXPECT_EQ(summary(edge(from_client(kV6).payload(1501 - kHeaders6 - 52))), "tx told_mtu");
  direct(kV4, kV4, 0);
  EXPECT_EQ(summary(edge(from_client(kV4).payload(1500 - kHeaders4))), "redirect forwarded");
  EXPECT_EQ(summary(edge(from_client(kV4).payload(1501 - kHeaders4))), "tx told_mtu");
  direct(kV4, kV6);
  EXPECT_EQ(summary(edge(from_client(kV4).payload(1500 - kHeaders6 - 28))), "redirect forwarded");
  EXPECT_EQ(summary(edge(from_client(kV4).payload(1501 - kHeaders6 - 28))), "tx told_mtu");
}

TEST_F(MtuTest, TellsWhatFitsWithTheHeader) {
  direct(kV4, kV4);
  expect_told(from_client(kV4).payload(1472), 1500 - 28, answer_to_client(kV4));
  direct(kV6, kV6);
  expect_told(from_client(kV6).payload(1452), 1500 - 52, answer_to_client(kV6));
  direct(kV4, kV6);
  expect_told(from_client(kV4).payload(1472), 1500 - 28 - 20, answer_to_client(kV4));
  direct(kV6, kV4);
  set_hop(2, 1400);
  expect_told(from_client(kV6).payload(1452), 1400 - 52 + 20, answer_to_client(kV6));
}

TEST_F(MtuTest, WhatIsToldFits) {
  direct(kV4, kV6);
  EXPECT_EQ(summary(edge(from_client(kV4).payload(1500 - 28 - 20 - kHeaders4))), "redirect forwarded");
  direct(kV6, kV4);
  set_hop(2, 1400);
  EXPECT_EQ(summary(edge(from_client(kV6).payload(1400 - 52 + 20 - kHeaders6))), "redirect forwarded");
}

TEST_F(MtuTest, AnswersWithTheTagsThatCame) {
  for (const Ends& ends : {kV4, kV6}) {
    direct(ends, ends);
    const std::uint16_t mtu = ends.client == kV4.client ? 1472 : 1448;
    expect_told(from_client(ends).payload(1450).vlan(0x2005), mtu, answer_to_client(ends).vlan(0x2005));
    expect_told(from_client(ends).payload(1450).vlan(5, 0x88a8).vlan(6).trailing(3), mtu,
                answer_to_client(ends).vlan(5, 0x88a8).vlan(6));
  }
}

TEST_F(MtuTest, TellsBackendsToo) {
  direct(kV4, kV4);
  set_hop(1, 1400);
  expect_told(from_backend(kV4).payload(1380), 1400,
              Packet{}.eth(kTheirMac, kOurMac).ip(kV4.source, kV4.backend));
}

TEST_F(MtuTest, LeavesToTheStackWhatMayBeFragmented) {
  direct(kV4, kV4);
  expect_untouched(from_client(kV4).payload(1472).may_fragment(), "over_mtu");
}

TEST_F(MtuTest, NeverAnswersAGroup) {
  direct(kV4, kV4);
  expect_untouched(from_client(kV4).payload(1472).eth({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "over_mtu");
  expect_untouched(from_client(kV4).payload(1472).eth({0x01, 0, 0x5e, 0, 0, 1}), "over_mtu");
}

TEST_F(MtuTest, TellsNoLengthThatHostsDoNotBelieve) {
  direct(kV4, kV4);
  set_hop(2, 552 + 28);
  expect_told(from_client(kV4).payload(1000), 552, answer_to_client(kV4));
  for (const std::uint16_t mtu :
       {std::uint16_t{551 + 28}, std::uint16_t{28}, std::uint16_t{20}, std::uint16_t{0}}) {
    set_hop(2, mtu);
    expect_untouched(from_client(kV4).payload(1000), "over_mtu");
  }
  direct(kV6, kV6);
  set_hop(2, 1280 + 52);
  expect_told(from_client(kV6).payload(1400), 1280, answer_to_client(kV6));
  set_hop(2, 1279 + 52);
  expect_untouched(from_client(kV6).payload(1400), "over_mtu");
}

TEST_F(MtuTest, DoesNotCountWhatItTold) {
  direct(kV4, kV4);
  edge(from_client(kV4).payload(1472));
  EXPECT_EQ(stored(id).to_backend_datagrams, 0U);
}

}  // namespace
}  // namespace penstock
