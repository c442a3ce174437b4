// Replies of backends, on outer interfaces (steer_in_xdp) and out of the steering device (steer_back_xdp).
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

/// A backend on this host, which knows its clients by addresses of the steering network.
constexpr Ends kHost{"192.0.2.33", "198.51.100.7", "198.18.1.1", "10.0.0.9"};

class SteerInTest : public BpfTest {
 protected:
  void expect_left(const std::string& program, const Packet& packet, const std::string& reason) {
    const Outcome out = run(program, packet);
    EXPECT_EQ(summary(out), "pass " + reason);
    EXPECT_EQ(out.packet, packet.bytes());
  }
  static Packet framed(std::uint32_t id, std::size_t size) {
    return Packet{}
        .ip(kVirtual, kSteering)
        .udp(kVirtualPort, kLanePort)
        .payload(frame_in(id) + some_payload(size));
  }
};

TEST_F(SteerInTest, FramesRepliesOfBackends) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    for (const char* program : {"steer_in_xdp", "steer_back_xdp"}) {
      const Outcome out = run(program, from_backend(ends).payload(33).trailing(4));
      EXPECT_EQ(summary(out), "pass steered");
      EXPECT_EQ(out.packet, framed(id, 33).bytes());
      EXPECT_EQ(out.bytes, 33U);
    }
    EXPECT_NE(stored(id).backend_seen, 0U);
    EXPECT_EQ(stored(id).client_seen, 0U);
  }
}

TEST_F(SteerInTest, ForwardsRepliesOfDirectSessions) {
  pst_session session = model_session(id, kV6, kV4);
  session.flags = PST_SESSION_DIRECT | PST_SESSION_PROXY;
  add(session);
  const Outcome out = run("steer_in_xdp", from_backend(kV4).payload(33));
  EXPECT_EQ(summary(out), "redirect forwarded");
  EXPECT_EQ(out.packet, to_client(kV6).payload(33).ttl(63).bytes());
}

TEST_F(SteerInTest, LeavesAllElse) {
  add(model_session(id, kV4, kV4));
  for (const char* program : {"steer_in_xdp", "steer_back_xdp"}) {
    expect_left(program, from_client(kV4), "not_ours");  // of a session, and not its backend
    expect_left(program, from_backend(kV4).udp(kBackendPort + 1, kSourcePort), "not_ours");
    expect_left(program, from_backend(kV4).protocol(IPPROTO_TCP), "not_ours");
    expect_left(program, from_backend(kV4).fragment(0, true), "fragment");
    expect_left(program, from_backend(kV6).fragment(8, false), "fragment");
    expect_left(program, from_backend(kV4).options(1), "ip_options");
    expect_left(program, from_backend(kV6).extension(IPPROTO_HOPOPTS), "ip_options");
    expect_left(program, from_backend(kV6).payload(3).udp_length(3), "not_ours");
  }
}

TEST_F(SteerInTest, DropsContradictingLengthsOfSessions) {
  add(model_session(id, kV4, kV4));
  for (const char* program : {"steer_in_xdp", "steer_back_xdp"})
    EXPECT_EQ(summary(run(program, from_backend(kV4).payload(3).udp_length(3))), "drop malformed");
}

TEST_F(SteerInTest, LeavesRepliesOfEndedSessions) {
  pst_session session = model_session(id, kV4, kV4);
  add(session);
  session.id = session_id(5, 10);
  map("pst_sessions").put(std::uint32_t{5}, session);
  expect_left("steer_in_xdp", from_backend(kV4), "not_ours");
}

TEST_F(SteerInTest, TakesRepliesIntoTheSteeringNetworkFromThisHostAlone) {
  add(model_session(id, kV4, kHost));
  const Outcome out = run("steer_back_xdp", from_backend(kHost).payload(5));
  EXPECT_EQ(summary(out), "pass steered");
  EXPECT_EQ(out.packet, framed(id, 5).bytes());
  EXPECT_EQ(summary(run("steer_in_xdp", from_backend(kHost).payload(5))), "drop forged");
  EXPECT_EQ(summary(run("edge_xdp", from_backend(kHost).payload(5))), "drop forged");
}

TEST_F(SteerInTest, DropsStraysInTheSteeringNetwork) {
  add(model_session(id, kV4, kHost));
  for (const Packet& stray : {
           from_backend(kHost).udp(kBackendPort, kSourcePort + 1),
           from_backend(kHost).fragment(0, true),
           from_backend(kHost).options(1),
           from_backend(kHost).protocol(IPPROTO_ICMP),
           from_backend(kHost).ip("10.0.0.9", kSteering).udp(kVirtualPort, kLanePort),
           from_backend(kHost).ip(kVirtual, kSteering).udp(kVirtualPort, kLanePort),
       })
    EXPECT_EQ(summary(run("steer_back_xdp", stray)), "drop stray");
  pst_session ended = model_session(id, kV4, kHost);
  ended.id = 0;
  map("pst_sessions").put(std::uint32_t{5}, ended);
  EXPECT_EQ(summary(run("steer_back_xdp", from_backend(kHost))), "drop stray");
}

}  // namespace
}  // namespace penstock
