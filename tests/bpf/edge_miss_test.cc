// Datagrams that belong to no session: for which ports and from whom the edge's program lets them through.
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

using EdgeMissTest = BpfTest;

TEST_F(EdgeMissTest, LeavesTheFirstDatagramToThePortsSocket) {
  for (const Ends& ends : {kV4, kV6}) {
    expect_untouched(from_client(ends).payload(33), "new_path");
    expect_untouched(from_client(ends).payload(33).vlan(7), "new_path");
    expect_untouched(from_client(ends).payload(3).trailing(15), "new_path");
  }
}

TEST_F(EdgeMissTest, KnowsAssignedPortsByProtocol) {
  map("pst_ports").put(std::uint32_t{kPort + 1}, pst_port{.service = 1, .use = PST_PORT_PUBLIC});  // of TCP
  expect_untouched(from_client(kV4).udp(kClientPort, kPort + 1), "not_ours");
  expect_untouched(from_client(kV4).udp(kClientPort, 0), "not_ours");
  assign_udp(65535, 1);
  expect_untouched(from_client(kV4).udp(kClientPort, 65535), "new_path");
}

TEST_F(EdgeMissTest, LeavesWhatIsForOthers) {
  expect_untouched(from_client(kV4).ip(kV4.client, "198.51.100.8"), "not_ours");
  expect_untouched(from_client(kV6).ip(kV6.client, "2001:db8:1::8"), "not_ours");
  expect_untouched(from_client(kV4).ip("127.0.0.1", "198.51.100.8"), "not_ours");
}

TEST_F(EdgeMissTest, ServesTheBoundAddressesAloneWhereTheyAreNamed) {
  pst_settings settings = model_settings();
  settings.any_v4 = settings.any_v6 = 0;
  set_settings(settings);
  for (const Ends& ends : {kV4, kV6}) {
    expect_untouched(from_client(ends), "not_ours");
    map("pst_addresses").put(abi_address(ends.local), std::uint32_t{PST_ADDRESS_OWN | PST_ADDRESS_BIND});
    expect_untouched(from_client(ends), "new_path");
    map("pst_addresses").put(abi_address(ends.local), std::uint32_t{PST_ADDRESS_BIND});
    expect_untouched(from_client(ends), "not_ours");
  }
}

TEST_F(EdgeMissTest, DropsSourcesThatNoClientCanHave) {
  for (const char* source : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "224.0.0.1",
                             "239.255.255.250", "255.255.255.255", "198.51.100.7"})
    EXPECT_EQ(summary(edge(from_client(kV4).ip(source, kV4.local))), "drop bad_source") << source;
  for (const char* source : {"::", "::1", "ff02::1", "ff00::", "ffff::1", "::192.0.2.1", "2001:db8:1::7"})
    EXPECT_EQ(summary(edge(from_client(kV6).ip(source, kV6.local))), "drop bad_source") << source;
  EXPECT_EQ(service_drops(kService, PST_R_BAD_SOURCE), 15U);
}

TEST_F(EdgeMissTest, DropsOtherOwnAddressesAndPortZero) {
  map("pst_addresses").put(abi_address("203.0.113.1"), std::uint32_t{PST_ADDRESS_OWN});
  EXPECT_EQ(summary(edge(from_client(kV4).ip("203.0.113.1", kV4.local))), "drop bad_source");
  EXPECT_EQ(summary(edge(from_client(kV4).udp(0, kPort))), "drop bad_source");
  EXPECT_EQ(summary(edge(from_client(kV6).udp(0, kPort))), "drop bad_source");
}

TEST_F(EdgeMissTest, TakesNeighboursOfImpossibleSources) {
  for (const char* source : {"1.0.0.0", "126.255.255.255", "128.0.0.0", "223.255.255.255", "240.0.0.1"})
    expect_untouched(from_client(kV4).ip(source, kV4.local), "new_path");
  for (const char* source : {"fe80::1", "fe00::1", "::1:0:0:1", "64:ff9b::c000:201"})
    expect_untouched(from_client(kV6).ip(source, kV6.local), "new_path");
}

/// An IPv6 packet whose 16 bytes of an address are the v4-mapped form of an IPv4 one.
Octets with_address(const Packet& packet, std::size_t at, std::string_view v4) {
  Octets bytes = packet.bytes();
  const auto mapped = IpAddress::parse(v4).value().bytes();
  std::copy(mapped.begin(), mapped.end(), bytes.begin() + static_cast<std::ptrdiff_t>(14 + at));
  return bytes;
}

TEST_F(EdgeMissTest, NeverTakesMappedAddressesForIpv4) {
  add(model_session(id, kV4, kV4));
  const Octets from_mapped = with_address(from_client(kV6), 8, kV4.client);
  EXPECT_EQ(summary(run("edge_xdp", from_mapped)), "drop bad_source");
  Octets both = from_mapped;
  const auto local = IpAddress::parse(kV4.local).value().bytes();
  std::copy(local.begin(), local.end(), both.begin() + 14 + 24);
  const Outcome out = run("edge_xdp", both);
  EXPECT_EQ(summary(out), "pass not_ours");
  EXPECT_EQ(out.packet, both);
  EXPECT_EQ(summary(run("edge_xdp", with_address(from_client(kV6), 24, kV4.local))), "pass not_ours");
  EXPECT_EQ(stored(id).client_seen, 0U);
}

TEST_F(EdgeMissTest, DropsWhatNamesTheSteeringNetwork) {
  assign_udp(kLanePort, kService);
  map("pst_addresses").put(abi_address(kSteering), std::uint32_t{PST_ADDRESS_OWN});
  for (const Packet& forged : {
           from_client(kV4).ip(kVirtual, kSteering).udp(kVirtualPort, kLanePort).payload(8),
           from_client(kV4).ip(kV4.client, kSteering).udp(kClientPort, kLanePort),
           from_client(kV4).ip(kVirtual, kV4.local),
           from_client(kV4).ip("198.18.77.1", kV4.local),
           from_client(kV4).ip(kV4.client, "198.19.255.255"),
           from_client(kV4).ip(kVirtual, kSteering).fragment(0, true),
           from_client(kV4).ip(kVirtual, kSteering).fragment(8, false),
           from_client(kV4).ip(kVirtual, kSteering).options(1),
           from_client(kV4).ip(kVirtual, kSteering).protocol(IPPROTO_TCP),
           from_client(kV4).ip(kVirtual, kSteering).vlan(1).vlan(2),
           from_client(kV4).ip(kV4.client, kSteering).udp_length(3),
       }) {
    EXPECT_EQ(summary(edge(forged)), "drop forged");
    EXPECT_EQ(summary(run("steer_in_xdp", forged)), "drop forged");
  }
  EXPECT_EQ(summary(run("edge_xdp", with_address(from_client(kV6), 8, kVirtual))), "drop forged");
  EXPECT_EQ(summary(run("edge_xdp", with_address(from_client(kV6), 24, kSteering))), "drop forged");
}

TEST_F(EdgeMissTest, KnowsWhereTheSteeringNetworkEnds) {
  expect_untouched(from_client(kV4).ip("198.17.255.255", kV4.local), "new_path");
  expect_untouched(from_client(kV4).ip("198.20.0.0", kV4.local), "new_path");
}

TEST_F(EdgeMissTest, DropsNothingAsForgedWithoutASteeringDevice) {
  pst_settings settings = model_settings();
  settings.network = settings.network_mask = settings.steering_address = 0;
  set_settings(settings);
  expect_untouched(from_client(kV4).ip(kVirtual, kSteering), "not_ours");
  expect_untouched(from_client(kV4), "new_path");
}

TEST_F(EdgeMissTest, ProtectsASteeringAddressOutsideTheNetwork) {
  pst_settings settings = model_settings();
  settings.network = settings.network_mask = 0;
  set_settings(settings);
  EXPECT_EQ(summary(edge(from_client(kV4).ip(kV4.client, kSteering))), "drop forged");
}

TEST_F(EdgeMissTest, TreatsPathsOfEndedSessionsAsNew) {
  pst_session session = model_session(id, kV4, kV4);
  add(session);
  session.id = session_id(5, 10);  // the slot has another session now
  map("pst_sessions").put(std::uint32_t{5}, session);
  expect_untouched(from_client(kV4), "new_path");
  session.id = 0;
  map("pst_sessions").put(std::uint32_t{5}, session);
  expect_untouched(from_client(kV4), "new_path");
  map("pst_paths").put(path_from_client(session), pst_path_owner{0, 0});
  expect_untouched(from_client(kV4), "new_path");
  map("pst_paths").put(path_from_client(session), pst_path_owner{session_id((1 << 20) - 1, 1), 0});
  expect_untouched(from_client(kV4), "new_path");
  expect_untouched(from_backend(kV4), "not_ours");
}

}  // namespace
}  // namespace penstock
