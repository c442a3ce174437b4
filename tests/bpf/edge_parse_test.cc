// What the edge's program takes for a datagram, and what it leaves alone.
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

using EdgeParseTest = BpfTest;

TEST_F(EdgeParseTest, LeavesWhatIsNotUdp) {
  expect_untouched(from_client(kV4).protocol(IPPROTO_TCP), "not_ours");
  expect_untouched(from_client(kV6).protocol(IPPROTO_TCP), "not_ours");
  expect_untouched(from_client(kV4).protocol(IPPROTO_TCP).fragment(8, true), "not_ours");
  expect_untouched(from_client(kV4).protocol(IPPROTO_TCP).options(2), "not_ours");
  expect_untouched(from_client(kV6).protocol(IPPROTO_ICMPV6), "not_ours");
}

TEST_F(EdgeParseTest, LeavesOtherEtherTypes) {
  Octets arp = from_client(kV4).payload(20).bytes();
  arp[12] = 0x08;
  arp[13] = 0x06;
  const Outcome out = run("edge_xdp", arp);
  EXPECT_EQ(summary(out), "pass not_ours");
  EXPECT_EQ(out.packet, arp);
  EXPECT_EQ(out.bytes, arp.size());
}

TEST_F(EdgeParseTest, LeavesHeadersThatSayAnotherVersion) {
  expect_untouched(from_client(kV4).ip_version(6), "not_ours");
  expect_untouched(from_client(kV6).ip_version(4), "not_ours");
}

TEST_F(EdgeParseTest, LeavesFragmentsToTheSystem) {
  for (const Ends& ends : {kV4, kV6}) {
    expect_untouched(from_client(ends).payload(64).fragment(0, true), "fragment");
    expect_untouched(from_client(ends).payload(64).fragment(1480, true), "fragment");
    expect_untouched(from_client(ends).payload(64).fragment(1480, false), "fragment");
  }
}

TEST_F(EdgeParseTest, LeavesOptionsAndExtensionHeaders) {
  for (std::size_t words = 1; words <= 10; ++words)
    expect_untouched(from_client(kV4).options(words), "ip_options");
  for (const int type :
       std::initializer_list<int>{IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_AH, IPPROTO_MH})
    expect_untouched(from_client(kV6).extension(static_cast<std::uint8_t>(type)), "ip_options");
}

TEST_F(EdgeParseTest, LeavesIpv6WithoutChecksum) {
  add(model_session(id, kV6, kV6));
  expect_untouched(from_client(kV6).payload(9).no_checksum(), "not_ours");
}

TEST_F(EdgeParseTest, ReadsThroughTwoTagsAndNoMore) {
  EXPECT_EQ(summary(edge(from_client(kV4).vlan(5))), "pass new_path");
  EXPECT_EQ(summary(edge(from_client(kV6).vlan(5))), "pass new_path");
  EXPECT_EQ(summary(edge(from_client(kV4).vlan(5, 0x88a8).vlan(0xe001))), "pass new_path");
  EXPECT_EQ(summary(edge(from_client(kV6).vlan(5, 0x88a8).vlan(0xe001))), "pass new_path");
  EXPECT_EQ(summary(edge(from_client(kV4).vlan(5).vlan(6).vlan(7))), "pass not_ours");
}

TEST_F(EdgeParseTest, DropsContradictingLengthsForAssignedPorts) {
  const std::vector<Packet> broken_v4{
      from_client(kV4).payload(10).ip_length(39),   from_client(kV4).payload(10).ip_length(37),
      from_client(kV4).payload(10).ip_length(19),   from_client(kV4).payload(10).ip_length(0),
      from_client(kV4).payload(10).ip_length(27),   from_client(kV4).payload(10).ip_length(65535),
      from_client(kV4).payload(10).udp_length(7),   from_client(kV4).payload(10).udp_length(0),
      from_client(kV4).payload(10).udp_length(17),  from_client(kV4).payload(10).udp_length(19),
      from_client(kV4).ip_length(27).udp_length(7),
  };
  const std::vector<Packet> broken_v6{
      from_client(kV6).payload(10).ip_length(19),  from_client(kV6).payload(10).ip_length(17),
      from_client(kV6).payload(10).ip_length(0),   from_client(kV6).payload(10).ip_length(65535),
      from_client(kV6).payload(10).udp_length(7),  from_client(kV6).payload(10).udp_length(17),
      from_client(kV6).payload(10).udp_length(19), from_client(kV6).ip_length(7).udp_length(7),
  };
  for (const auto& broken : {broken_v4, broken_v6})
    for (const Packet& packet : broken) EXPECT_EQ(summary(edge(packet)), "drop malformed");
  EXPECT_EQ(service_drops(kService, PST_R_MALFORMED), broken_v4.size() + broken_v6.size());
}

TEST_F(EdgeParseTest, DropsContradictingLengthsOnAPathOfASession) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    EXPECT_EQ(summary(edge(from_client(ends).payload(10).udp_length(19))), "drop malformed");
    EXPECT_EQ(summary(edge(from_backend(ends).payload(10).udp_length(19))), "drop malformed");
    EXPECT_EQ(stored(id).client_seen, 0U);
  }
}

TEST_F(EdgeParseTest, LeavesContradictingLengthsForOtherPorts) {
  for (const Ends& ends : {kV4, kV6}) {
    Packet packet = from_client(ends).udp(kClientPort, kPort + 1).payload(10);
    expect_untouched(packet.udp_length(19), "not_ours");
    expect_untouched(packet.ip_length(65535), "not_ours");
  }
}

TEST_F(EdgeParseTest, CountsPayload) {
  EXPECT_EQ(edge(from_client(kV4).payload(10).trailing(8)).bytes, 10U);
  EXPECT_EQ(edge(from_client(kV6).payload(1001)).bytes, 1001U);
  EXPECT_EQ(edge(from_client(kV4)).bytes, 0U);
}

}  // namespace
}  // namespace penstock
