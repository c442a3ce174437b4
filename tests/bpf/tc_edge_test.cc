// Programs on TC, up to where they would forward: every reason, and that what passes is not touched.
#include "bpf/bpf_test.h"
#include "bpf/guard_units.h"

namespace penstock {
namespace {

class TcEdgeTest : public BpfTest {
 protected:
  /// Expects that both forms of a program make the same of a packet: with an Ethernet header, and without.
  void expect_both(const std::string& program, const Packet& packet, const std::string& expected) {
    Outcome out = run(program, packet);
    EXPECT_EQ(summary(out), expected) << program;
    EXPECT_EQ(out.packet, packet.bytes());
    out = run(program + "_bare", packet.ip_bytes());
    EXPECT_EQ(summary(out), expected) << program << "_bare";
    EXPECT_EQ(out.packet, packet.ip_bytes());
  }
  void expect_edge(const Packet& packet, const std::string& expected) {
    expect_both("edge_tc", packet, expected);
  }
  void limit(pst_rate pst_guard::*which, pst_rate rate) {
    pst_guard guard{.prefix_v4 = 24, .prefix_v6 = 64};
    guard.*which = rate;
    set_guard(guard);
  }
};

TEST_F(TcEdgeTest, LeavesAloneWhatItDoesNotKnow) {
  for (const Ends& ends : {kV4, kV6}) {
    expect_edge(from_client(ends).payload(33), "pass new_path");
    expect_edge(from_client(ends).udp(kClientPort, kPort + 1), "pass not_ours");
    expect_edge(from_client(ends).protocol(IPPROTO_TCP).payload(20), "pass not_ours");
    expect_edge(from_client(ends).payload(40).fragment(8, true), "pass fragment");
    expect_edge(from_client(ends).ip_version(5), "pass not_ours");
  }
  expect_edge(from_client(kV4).options(2), "pass ip_options");
  expect_edge(from_client(kV6).extension(IPPROTO_HOPOPTS), "pass ip_options");
  expect_edge(from_client(kV6).no_checksum(), "pass not_ours");
  expect_edge(from_client(kV4).no_checksum(), "pass new_path");
}

TEST_F(TcEdgeTest, ReadsBehindTags) {
  for (const Ends& ends : {kV4, kV6}) {
    const Packet packet = from_client(ends).payload(9).vlan(5, 0x88a8).vlan(6);
    const Outcome out = run("edge_tc", packet);
    EXPECT_EQ(summary(out), "pass new_path");
    EXPECT_EQ(out.packet, packet.bytes());
  }
}

TEST_F(TcEdgeTest, DropsWhatNoClientSends) {
  expect_edge(from_client(kV4).ip(kVirtual, kV4.local), "drop forged");
  expect_edge(from_client(kV4).ip(kV4.client, kSteering).fragment(8, false), "drop forged");
  expect_edge(from_client(kV4).ip("127.0.0.1", kV4.local), "drop bad_source");
  expect_edge(from_client(kV6).ip("ff02::1", kV6.local), "drop bad_source");
  expect_edge(from_client(kV4).udp_length(5), "drop malformed");
  expect_edge(from_client(kV6).payload(9).udp_length(5), "drop malformed");
  EXPECT_EQ(service_drops(kService, PST_R_BAD_SOURCE), 4U);
  EXPECT_EQ(service_drops(kService, PST_R_MALFORMED), 4U);
}

TEST_F(TcEdgeTest, GuardsPortsAndSessions) {
  map("pst_guard_list").put(pst_prefix{96 + 24, abi_address("192.0.2.0")}, pst_guard_rule{PST_GUARD_BLOCK});
  pst_settings settings = model_settings();
  settings.guard_list = 1;
  set_settings(settings);
  expect_edge(from_client(kV4), "drop blocked");
  add(model_session(id, kV4, kV4));
  expect_edge(from_client(kV4), "drop blocked");
  expect_edge(from_backend(kV4), "pass to_socket");  // the guard does not stand before backends
  set_settings(model_settings());
  expect_edge(from_client(kV4), "pass to_socket");
}

TEST_F(TcEdgeTest, LimitsRates) {
  constexpr pst_rate kTwo{.per_second = 1, .burst = 2};
  for (const auto& [which, reason] :
       {std::pair{&pst_guard::source, "rate_source"}, std::pair{&pst_guard::service, "rate_service"},
        std::pair{&pst_guard::new_source, "rate_new_source"},
        std::pair{&pst_guard::new_total, "rate_new_total"}}) {
    limit(which, kTwo);
    expect_edge(from_client(kV4), "pass new_path");
    expect_edge(from_client(kV4), std::string{"drop "}.append(reason));
  }
}

/// A packet that stands for several datagrams costs as many tokens, or a full bucket if it holds fewer.
TEST_F(TcEdgeTest, CountsJoinedDatagramsOneByOne) {
  limit(&pst_guard::service, {.per_second = 1, .burst = 100});
  const Octets packet = from_client(kV4).payload(3000).bytes();
  EXPECT_EQ(summary(run("edge_tc", packet, 30)), "pass new_path");
  const auto held = map("pst_services").get<pst_service>(std::uint32_t{kService}).value().bucket.tokens;
  EXPECT_EQ(held / kToken, 70U);
  EXPECT_EQ(summary(run("edge_tc", packet, 30)), "pass new_path");
  EXPECT_EQ(summary(run("edge_tc", packet, 30)), "pass new_path");
  EXPECT_EQ(summary(run("edge_tc", packet, 30)), "drop rate_service");
  EXPECT_EQ(summary(run("edge_tc", from_client(kV4).payload(100).bytes())), "pass new_path");
  map("pst_services").put(std::uint32_t{kService}, pst_service{});
  limit(&pst_guard::service, {.per_second = 1, .burst = 8});
  EXPECT_EQ(summary(run("edge_tc", packet, 30)), "pass new_path");
  EXPECT_EQ(summary(run("edge_tc", packet, 30)), "drop rate_service");
}

TEST_F(TcEdgeTest, LeavesTunnelSessionsToTheirSockets) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    expect_edge(from_client(ends).payload(33), "pass to_socket");
    EXPECT_NE(stored(id).client_seen, 0U);
    expect_edge(from_client(ends).payload(9).udp_length(3), "drop malformed");
    expect_both("hub_tc", from_backend(ends).payload(33), "pass to_socket");
    EXPECT_NE(stored(id).backend_seen, 0U);
    expect_both("hub_tc", from_backend(ends).payload(33).udp_length(3), "drop malformed");
  }
}

TEST_F(TcEdgeTest, ServesBackendsAloneAtHubs) {
  add(model_session(id, kV4, kV4));
  expect_both("hub_tc", from_client(kV4), "pass not_ours");
  expect_both("hub_tc", from_client(kV6), "pass not_ours");
  expect_both("hub_tc", from_backend(kV4).fragment(8, true), "pass fragment");
  expect_both("hub_tc", from_backend(kV4).options(1), "pass ip_options");
  expect_both("hub_tc", from_client(kV4).ip(kV4.client, kSteering), "drop forged");
}

TEST_F(TcEdgeTest, ReadsNothingBeyondTheEnd) {
  for (const Ends& ends : {kV4, kV6}) {
    pst_session session = model_session(id, ends, ends);
    session.flags = PST_SESSION_DIRECT;
    add(session);
    const Packet in = from_client(ends).payload(21), back = from_backend(ends).payload(21);
    const std::size_t link = 14, header = (ends.client == kV4.client ? 20 : 40) + 8;
    // A test run refuses shorter ones that have an Ethernet header.
    for (std::size_t length = link + header - 8; length < link + header + 21; ++length) {
      SCOPED_TRACE(length);
      const std::string expected = length < link + header ? "pass not_ours" : "drop malformed";
      for (const auto& [program, whole] : {std::pair{"edge_tc", in}, std::pair{"hub_tc", back}}) {
        const Packet cut = Packet{whole}.truncated(length);
        const Outcome out = run(program, cut);
        EXPECT_EQ(summary(out), expected);
        EXPECT_EQ(out.packet, cut.bytes());
      }
    }
    for (std::size_t length = 15; length < header + 21; ++length) {
      Octets cut = in.ip_bytes();
      cut.resize(length);
      EXPECT_EQ(summary(run("edge_tc_bare", cut)), length < header ? "pass not_ours" : "drop malformed");
    }
  }
}

}  // namespace
}  // namespace penstock
