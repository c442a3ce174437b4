// Thousands of random datagrams, each compared to the byte with a packet whose checksums were computed in
// full.
#include "bpf/bpf_test.h"
#include "support/sim_random.h"

namespace penstock {
namespace {

constexpr std::uint64_t kSeed = 20240611;
constexpr int kPackets = 4000;
constexpr std::size_t kLongest = 1472;

Octets random_octets(SimRandom& random, std::size_t size) {
  Octets out(size);
  // Long runs of equal bytes bring sums of 0 and 0xffff, which random ones hardly ever do.
  const bool dull = random.chance(0.2);
  for (auto& octet : out)
    octet = dull ? static_cast<std::uint8_t>(0 - size % 2) : static_cast<std::uint8_t>(random.number());
  return out;
}

struct Drawn {
  Ends outside, inside;
  bool proxy, tagged, checksum;
  std::uint16_t vlan;
  Octets payload;
};

class ChecksumTest : public BpfTest {
 protected:
  Drawn draw() {
    Drawn drawn{.outside = random.chance(0.5) ? kV4 : kV6, .inside = random.chance(0.5) ? kV4 : kV6};
    drawn.proxy = random.chance(0.5);
    drawn.tagged = random.chance(0.3);
    drawn.checksum = drawn.outside.client == kV6.client || random.chance(0.8);
    drawn.vlan = random.chance(0.3) ? static_cast<std::uint16_t>(random.between(1, 65535)) : std::uint16_t{0};
    drawn.payload = random_octets(random, random.between(0, kLongest));
    return drawn;
  }
  pst_session session_of(const Drawn& drawn, std::uint32_t flags) {
    pst_session session = model_session(id, drawn.outside, drawn.inside);
    session.flags = flags;
    if (drawn.proxy) session.flags |= PST_SESSION_PROXY;
    add(session);
    set_hop(1, 9000, drawn.vlan);
    set_hop(2, 9000, drawn.vlan);
    return session;
  }
  static Packet with(Packet packet, const Drawn& drawn, const Octets& payload) {
    if (drawn.vlan != 0) packet.vlan(drawn.vlan);
    if (!drawn.checksum && packet.is_v4()) packet.no_checksum();
    return packet.payload(payload);
  }
  static Octets to_backend_bytes(const Drawn& drawn) {
    return drawn.proxy ? proxy_header(drawn.outside) + drawn.payload : drawn.payload;
  }

  SimRandom random{kSeed};
};

TEST_F(ChecksumTest, ForwardingIsRightToTheByte) {
  for (int i = 0; i < packets_of(kPackets) && !HasFailure(); ++i) {
    SCOPED_TRACE(testing::Message() << "packet " << i << " of seed " << kSeed);
    const Drawn drawn = draw();
    session_of(drawn, PST_SESSION_DIRECT);
    Packet in = from_client(drawn.outside).payload(drawn.payload).trailing(random.between(0, 20));
    if (drawn.tagged) in.vlan(7);
    if (!drawn.checksum) in.no_checksum();
    const Outcome out = edge(in);
    EXPECT_EQ(summary(out), "redirect forwarded");
    EXPECT_EQ(out.packet, with(to_backend(drawn.inside).ttl(63), drawn, to_backend_bytes(drawn)).bytes());
  }
}

TEST_F(ChecksumTest, SteeringIsRightToTheByte) {
  for (int i = 0; i < packets_of(kPackets) && !HasFailure(); ++i) {
    SCOPED_TRACE(testing::Message() << "packet " << i << " of seed " << kSeed);
    const Drawn drawn = draw();
    session_of(drawn, 0);
    Packet in = from_client(drawn.outside).payload(drawn.payload).trailing(random.between(0, 20));
    Packet expected =
        Packet{}.ip(kVirtual, kSteering).udp(kVirtualPort, kLanePort).payload(frame_in(id) + drawn.payload);
    if (drawn.tagged) in.vlan(7);
    if (!drawn.checksum) {
      in.no_checksum();
      expected.no_checksum();
    }
    const Outcome out = edge(in);
    EXPECT_EQ(summary(out), "pass steered");
    EXPECT_EQ(out.packet, expected.bytes());
  }
}

TEST_F(ChecksumTest, OutwardFramesAreRightToTheByte) {
  for (int i = 0; i < packets_of(kPackets) && !HasFailure(); ++i) {
    SCOPED_TRACE(testing::Message() << "packet " << i << " of seed " << kSeed);
    const Drawn drawn = draw();
    session_of(drawn, 0);
    const auto flags = static_cast<std::uint8_t>(PST_FRAME_TO_BACKEND | (drawn.proxy ? PST_FRAME_PROXY : 0));
    Packet in = Packet{}.ip(kSteering, kVirtual).udp(kLanePort, kVirtualPort);
    in.payload(frame_out(id, drawn.payload.size(), flags) + drawn.payload + Octets(random.between(0, 99)));
    if (!drawn.checksum) in.no_checksum();
    const Outcome out = run("steer_out_xdp", in);
    EXPECT_EQ(summary(out), "redirect steered");
    EXPECT_EQ(out.packet, with(to_backend(drawn.inside), drawn, to_backend_bytes(drawn)).bytes());
  }
}

TEST_F(ChecksumTest, NeverWritesZeroForASum) {
  pst_session session = model_session(id, kV4, kV4);
  session.flags = PST_SESSION_DIRECT;
  add(session);
  int all_ones = 0;
  for (unsigned word = 0; word <= 0xffff && !HasFailure(); word += all_ones == 0 ? 1 : 0x10000) {
    const Octets payload{static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word)};
    const Packet expected = to_backend(kV4).payload(payload).ttl(63);
    const Octets bytes = expected.bytes();
    if (bytes[40] != 0xff || bytes[41] != 0xff) continue;
    EXPECT_EQ(edge(from_client(kV4).payload(payload)).packet, bytes);
    ++all_ones;
  }
  EXPECT_EQ(all_ones, 1);
}

}  // namespace
}  // namespace penstock
