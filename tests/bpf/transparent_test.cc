// Sessions whose backend sees the client itself: both directions, and what must never be left to the stack.
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

/// The client's own address as the source.
constexpr Ends kClear4{"192.0.2.33", "198.51.100.7", "192.0.2.33", "10.0.0.5"};
constexpr Ends kClear6{"2001:db8:2::33", "2001:db8:1::7", "2001:db8:2::33", "fd00::5"};

class TransparentTest : public BpfTest {
 protected:
  pst_session transparent(const Ends& ends, std::uint32_t more_flags = 0) {
    pst_session session = model_session(id, ends, ends);
    session.flags = PST_SESSION_TRANSPARENT | more_flags;
    session.source_port = session.client_port;
    add(session);
    return session;
  }
  static Packet answer(const Ends& ends) { return from_backend(ends).udp(kBackendPort, kClientPort); }
  static Packet framed(std::uint32_t frame_id, const Octets& payload) {
    return Packet{}
        .ip(kVirtual, kSteering)
        .udp(kVirtualPort, kLanePort)
        .payload(frame_in(frame_id) + payload);
  }
  void expect_forwarded(const Packet& in, const Packet& expected) {
    const Outcome out = edge(in);
    EXPECT_EQ(summary(out), "redirect forwarded");
    EXPECT_EQ(out.packet, expected.bytes());
  }
  void expect_steered(const std::string& program, const Packet& in, const Packet& expected) {
    const Outcome out = run(program, in);
    EXPECT_EQ(summary(out), "pass steered");
    EXPECT_EQ(out.packet, expected.bytes());
  }
  void expect_left(const std::string& program, const Packet& in, const std::string& reason) {
    const Outcome out = run(program, in);
    EXPECT_EQ(summary(out), "pass " + reason);
    EXPECT_EQ(out.packet, in.bytes());
  }
};

TEST_F(TransparentTest, ForwardsAsTheClientAndBack) {
  for (const Ends& ends : {kClear4, kClear6}) {
    transparent(ends, PST_SESSION_DIRECT);
    for (const std::size_t size : {0, 1, 999, 1400}) {
      expect_forwarded(from_client(ends).payload(size).vlan(5),
                       to_backend(ends).udp(kClientPort, kBackendPort).payload(size).ttl(63));
      expect_forwarded(answer(ends).payload(size), to_client(ends).payload(size).ttl(63));
    }
    set_hop(2, 1500, 0x6123);
    expect_forwarded(from_client(ends).payload(7),
                     to_backend(ends).udp(kClientPort, kBackendPort).payload(7).ttl(63).vlan(0x6123));
    set_hop(2, 1500);
  }
}

TEST_F(TransparentTest, SendsFramesAsTheClient) {
  for (const Ends& ends : {kClear4, kClear6}) {
    transparent(ends);
    const Packet frame = Packet{}
                             .ip(kSteering, kVirtual)
                             .udp(kLanePort, kVirtualPort)
                             .payload(frame_out(id, 33, PST_FRAME_TO_BACKEND) + some_payload(33));
    const Outcome out = run("steer_out_xdp", frame);
    EXPECT_EQ(summary(out), "redirect steered");
    EXPECT_EQ(out.packet, to_backend(ends).udp(kClientPort, kBackendPort).payload(33).bytes());
  }
}

TEST_F(TransparentTest, FramesAnswersToTheClientsAddress) {
  for (const Ends& ends : {kClear4, kClear6}) {
    transparent(ends);
    for (const char* program : {"steer_in_xdp", "edge_xdp"})
      expect_steered(program, answer(ends).payload(33), framed(id, some_payload(33)));
  }
}

TEST_F(TransparentTest, SteersAnswersThatItCannotForward) {
  for (const Ends& ends : {kClear4, kClear6}) {
    pst_session session = transparent(ends, PST_SESSION_DIRECT);
    const std::uint32_t marked = id | PST_FRAME_FROM_BACKEND;
    session.client_hop = 0;
    add(session);
    expect_steered("edge_xdp", answer(ends).payload(33), framed(marked, some_payload(33)));
    EXPECT_EQ(stored(id).to_client_datagrams, 0U);
    expect_left("edge_xdp", from_client(ends).ttl(1), "ttl_expired");  // of the client: the stack's as ever
  }
  transparent(kClear4, PST_SESSION_DIRECT);
  set_hop(1, 1400);
  expect_steered("edge_xdp", answer(kClear4).payload(1400).may_fragment(),
                 framed(id | PST_FRAME_FROM_BACKEND, some_payload(1400)));
  EXPECT_EQ(summary(edge(answer(kClear4).payload(1400))), "tx told_mtu");
  set_hop(1, 1500);
  set_hop(2, 1400);
  expect_left("edge_xdp", from_client(kClear4).payload(1400).may_fragment(), "over_mtu");
  set_hop(2, 1500);
}

TEST_F(TransparentTest, DropsAnswersThatNobodyCanHave) {
  pst_session session = transparent(kClear4, PST_SESSION_DIRECT);
  session.client_hop = 0;
  session.lane = 7;  // which has no socket
  add(session);
  EXPECT_EQ(summary(edge(answer(kClear4).payload(3))), "drop undeliverable");
  session.flags &= ~std::uint32_t{PST_SESSION_DIRECT};
  add(session);
  EXPECT_EQ(summary(run("steer_in_xdp", answer(kClear4).payload(3))), "drop undeliverable");
  EXPECT_EQ(service_drops(kService, PST_R_UNDELIVERABLE), 2U);
}

TEST_F(TransparentTest, DropsTheFirstFragmentOfAnAnswerAndItsOptions) {
  for (const std::uint32_t flags : {std::uint32_t{0}, std::uint32_t{PST_SESSION_DIRECT}}) {
    for (const char* program : {"steer_in_xdp", "edge_xdp"}) {
      for (const Ends& ends : {kClear4, kClear6}) {
        transparent(ends, flags);
        EXPECT_EQ(summary(run(program, answer(ends).payload(64).fragment(0, true))), "drop undeliverable");
        EXPECT_EQ(summary(run(program, answer(ends).payload(64).fragment(0, true).vlan(5).vlan(6))),
                  "drop undeliverable");
        expect_left(program, answer(ends).payload(64).fragment(64, true), "fragment");
      }
      transparent(kClear4, flags);
      for (std::size_t words = 1; words <= 10; ++words)
        EXPECT_EQ(summary(run(program, answer(kClear4).options(words))), "drop undeliverable");
      transparent(kClear6, flags);
      for (const int type : {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS})
        EXPECT_EQ(summary(run(program, answer(kClear6).extension(static_cast<std::uint8_t>(type)))),
                  "drop undeliverable");
    }
  }
  EXPECT_GT(service_drops(kService, PST_R_UNDELIVERABLE), 0U);
}

TEST_F(TransparentTest, LeavesFragmentsAndOptionsOfAllOthers) {
  transparent(kClear4);
  for (const char* program : {"steer_in_xdp", "edge_xdp"}) {
    expect_left(program, answer(kClear4).udp(kBackendPort + 1, kClientPort).payload(64).fragment(0, true),
                "fragment");
    expect_left(program, answer(kClear4).udp(kBackendPort, kClientPort + 1).options(2), "ip_options");
    expect_left(program, from_client(kClear4).payload(64).fragment(0, true), "fragment");
    expect_left(program, from_client(kClear4).options(3), "ip_options");
  }
  pst_session session = model_session(id, kV4, kV4);
  add(session);
  for (const char* program : {"steer_in_xdp", "edge_xdp"}) {
    expect_left(program, from_backend(kV4).payload(64).fragment(0, true), "fragment");
    expect_left(program, from_backend(kV4).options(1), "ip_options");
  }
}

TEST_F(TransparentTest, ReadsNoFurtherThanThePacketGoes) {
  transparent(kClear4);
  transparent(kClear6);
  for (const Packet& whole :
       {answer(kClear4).payload(64).fragment(0, true), answer(kClear4).options(10),
        answer(kClear6).payload(64).fragment(0, true), answer(kClear6).extension(IPPROTO_DSTOPTS)}) {
    const Octets bytes = whole.bytes();
    for (std::size_t size = 14; size < bytes.size(); ++size) {
      const Octets part{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
      const Outcome out = run("edge_xdp", part);
      EXPECT_NE(out.verdict, XDP_ABORTED) << size;
      if (out.verdict == XDP_PASS) {
        EXPECT_EQ(out.packet, part) << size;
      }
    }
  }
}

}  // namespace
}  // namespace penstock
