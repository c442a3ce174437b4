// Outward frames: what the controller sends along the steering device becomes datagrams of sessions.
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

class SteerOutTest : public BpfTest {
 protected:
  static Packet frame(std::uint32_t id, const Octets& payload, std::uint8_t flags = 0,
                      std::size_t padding = 0) {
    return from_socket(frame_out(id, payload.size(), flags) + payload + Octets(padding));
  }
  static Packet from_socket(const Octets& bytes) {
    return Packet{}.ip(kSteering, kVirtual).udp(kLanePort, kVirtualPort).payload(bytes).id(321).ttl(64);
  }
  Outcome out(const Packet& packet) { return run("steer_out_xdp", packet); }
  void expect_sent(const Packet& packet, const Packet& expected,
                   const std::string& what = "redirect steered") {
    const Outcome sent = out(packet);
    EXPECT_EQ(summary(sent), what);
    EXPECT_EQ(sent.packet, expected.bytes());
  }
};

TEST_F(SteerOutTest, SendsToClientAndBackend) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    for (const std::size_t size : {0, 1, 2, 57, 1400}) {
      for (const std::size_t padding : {0, 1, 2, 33}) {
        const Octets payload = some_payload(size);
        expect_sent(frame(id, payload, 0, padding), to_client(ends).payload(payload));
        expect_sent(frame(id, payload, PST_FRAME_TO_BACKEND, padding), to_backend(ends).payload(payload));
      }
    }
  }
}

TEST_F(SteerOutTest, PutsTheProxyHeaderInFront) {
  const std::uint8_t flags = PST_FRAME_TO_BACKEND | PST_FRAME_PROXY;
  for (const Ends& outside : {kV4, kV6}) {
    for (const Ends& inside : {kV4, kV6}) {
      add(model_session(id, outside, inside));
      for (const std::size_t size : {0, 1, 1000}) {
        const Octets payload = some_payload(size);
        expect_sent(frame(id, payload, flags, size % 7),
                    to_backend(inside).payload(proxy_header(outside) + payload));
      }
    }
  }
}

TEST_F(SteerOutTest, CountsThePayloadAlone) {
  add(model_session(id, kV4, kV4));
  EXPECT_EQ(out(frame(id, some_payload(10), PST_FRAME_TO_BACKEND | PST_FRAME_PROXY, 90)).bytes, 10U);
}

TEST_F(SteerOutTest, TakesFramesOfEveryLaneAndNoOther) {
  add(model_session(id, kV4, kV4));
  EXPECT_EQ(summary(out(frame(id, {}).udp(kLanePort + 1, kVirtualPort))), "redirect steered");
  EXPECT_EQ(summary(out(frame(id, {}).udp(kLanePort + 2, kVirtualPort))), "drop forged");
  EXPECT_EQ(summary(out(frame(id, {}).udp(0, kVirtualPort))), "drop forged");
  pst_settings settings = model_settings();
  settings.lanes = PST_LANES;
  settings.lane_port[PST_LANES - 1] = big_endian(999);
  set_settings(settings);
  EXPECT_EQ(summary(out(frame(id, {}).udp(999, kVirtualPort))), "redirect steered");
  EXPECT_EQ(summary(out(frame(id, {}).udp(0, kVirtualPort))), "drop forged");
  settings.lanes = 65535;  // never beyond the table
  set_settings(settings);
  EXPECT_EQ(summary(out(frame(id, {}).udp(998, kVirtualPort))), "drop forged");
}

TEST_F(SteerOutTest, DropsWhatTheControllerDidNotSend) {
  add(model_session(id, kV4, kV4));
  for (const Packet& forged : {
           frame(id, {}).udp(kLanePort, kVirtualPort + 1),
           frame(id, {}).ip(kSteering, "198.18.0.3"),
           frame(id, {}).ip("198.18.0.3", kVirtual),
           frame(id, {}).ip("10.0.0.1", kVirtual),
           frame(id, {}).ip(kSteering, "10.0.0.1"),
           frame(id, {}).fragment(0, true),
           frame(id, {}).fragment(8, false),
           frame(id, {}).options(1),
           frame(id, {}).protocol(IPPROTO_ICMP),
       })
    EXPECT_EQ(summary(out(forged)), "drop forged");
}

TEST_F(SteerOutTest, LeavesWhatIsOfAnotherNetwork) {
  for (const Packet& packet :
       {from_client(kV4), from_client(kV6), from_client(kV4).udp(kLanePort, kVirtualPort)}) {
    const Outcome left = out(packet);
    EXPECT_EQ(summary(left), "pass not_ours");
    EXPECT_EQ(left.packet, packet.bytes());
  }
}

TEST_F(SteerOutTest, DropsFramesThatDoNotHoldWhatTheySay) {
  add(model_session(id, kV4, kV4));
  for (std::size_t size = 0; size < 8; ++size)
    EXPECT_EQ(summary(out(from_socket(some_payload(size)))), "drop malformed") << size;
  EXPECT_EQ(summary(out(from_socket(frame_out(id, 1, 0)))), "drop malformed");
  EXPECT_EQ(summary(out(from_socket(frame_out(id, 11, 0) + some_payload(10)))), "drop malformed");
  EXPECT_EQ(summary(out(from_socket(frame_out(id, 65535, 0) + some_payload(10)))), "drop malformed");
  EXPECT_EQ(summary(out(frame(id, {}).udp_length(15))), "drop malformed");
  EXPECT_EQ(summary(out(frame(id, {}).ip_length(65535))), "drop malformed");
  EXPECT_EQ(summary(out(frame(id, {}).vlan(1))), "drop malformed");
  EXPECT_EQ(summary(out(frame(id, {}).trailing(20))), "redirect steered");
}

TEST_F(SteerOutTest, DropsFramesOfNoSession) {
  pst_session session = model_session(id, kV4, kV4);
  add(session);
  EXPECT_EQ(summary(out(frame(session_id(6, 9), {}))), "drop no_session");
  EXPECT_EQ(summary(out(frame(session_id((1 << 20) - 1, 1), {}))), "drop no_session");  // beyond the table
  EXPECT_EQ(summary(out(frame(0, {}))), "drop no_session");
  EXPECT_EQ(summary(out(frame(id | 1U << 30, {}))), "drop no_session");
  EXPECT_EQ(summary(out(frame(id | 1U << 31, {}))), "drop no_session");
  EXPECT_EQ(summary(out(frame(session_id(5, 8), {}))), "drop stale_session");
  EXPECT_EQ(summary(out(frame(session_id(5, 10), {}))), "drop stale_session");
  EXPECT_EQ(service_drops(kService, PST_R_STALE_SESSION), 2U);
  session.id = 0;
  map("pst_sessions").put(std::uint32_t{5}, session);
  EXPECT_EQ(summary(out(frame(id, {}))), "drop no_session");
}

TEST_F(SteerOutTest, DropsWhatHasNoWay) {
  pst_session session = model_session(id, kV4, kV4);
  session.backend_hop = 0;
  add(session);
  EXPECT_EQ(summary(out(frame(id, {}, PST_FRAME_TO_BACKEND))), "drop no_next_hop");
  EXPECT_EQ(service_drops(kService, PST_R_NO_NEXT_HOP), 1U);
  map("pst_next_hops").put(std::uint32_t{1}, pst_next_hop{});
  EXPECT_EQ(summary(out(frame(id, {}))), "drop no_next_hop");
}

TEST_F(SteerOutTest, DropsWhatIsLongerThanTheWay) {
  const std::uint8_t flags = PST_FRAME_TO_BACKEND | PST_FRAME_PROXY;
  add(model_session(id, kV4, kV4));
  EXPECT_EQ(summary(out(frame(id, some_payload(1500 - 28 - 28), flags, 40))), "redirect steered");
  EXPECT_EQ(summary(out(frame(id, some_payload(1501 - 28 - 28), flags))), "drop too_large");
  EXPECT_EQ(service_drops(kService, PST_R_TOO_LARGE), 1U);
}

TEST_F(SteerOutTest, PushesTheWaysTag) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    set_hop(1, 1500, 0x0fff);
    expect_sent(frame(id, some_payload(3)), to_client(ends).payload(3).vlan(0x0fff));
  }
}

TEST_F(SteerOutTest, DeliversToBackendsOfThisHost) {
  set_hop(2, 1500, 12, 0);  // a tag means nothing here
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    expect_sent(frame(id, some_payload(11), PST_FRAME_TO_BACKEND | PST_FRAME_PROXY, 5),
                to_backend(ends).payload(proxy_header(ends) + some_payload(11)), "pass delivered");
  }
}

TEST_F(SteerOutTest, DeliversFramesOfSeveralBuffers) {
  set_hop(2, 65535, 0, 0);
  add(model_session(id, kV4, kV4));
  for (const std::size_t size : {3500, 4096, 20'000, 65'000}) {
    const Octets payload = some_payload(size);
    expect_sent(frame(id, payload, PST_FRAME_TO_BACKEND, 3), to_backend(kV4).payload(payload),
                "pass delivered");
  }
}

TEST_F(SteerOutTest, GivesFramesWithoutChecksumOneForIpv6) {
  for (const std::size_t size : {0, 1, 127, 128, 129, 1400}) {
    add(model_session(id, kV4, kV4));
    expect_sent(frame(id, some_payload(size)).no_checksum(), to_client(kV4).payload(size).no_checksum());
    add(model_session(id, kV6, kV6));
    expect_sent(frame(id, some_payload(size), 0, 3).no_checksum(), to_client(kV6).payload(size));
  }
}

}  // namespace
}  // namespace penstock
