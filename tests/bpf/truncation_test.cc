// Frames that end anywhere: no program reads beyond, and none takes half a datagram for a whole one.
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

constexpr std::size_t kShortest = 14;  // what a device hands over at least

class TruncationTest : public BpfTest {
 protected:
  /// Expects `before` while ports cannot be read, then `after` until the frame is whole.
  void expect_at_every_byte(const std::string& program, const Packet& whole, std::size_t header,
                            const std::string& before, const std::string& after) {
    const std::size_t size = whole.bytes().size();
    for (std::size_t length = kShortest; length < size; ++length) {
      SCOPED_TRACE(testing::Message() << program << ", " << length << " of " << size << " bytes");
      const Packet cut = Packet{whole}.truncated(length);
      const Outcome out = run(program, cut);
      EXPECT_EQ(summary(out), length < header ? before : after);
      EXPECT_EQ(out.packet, cut.bytes());
    }
  }
  static std::size_t header_of(const Packet& whole, std::size_t tags) {
    return 14 + 4 * tags + (whole.is_v4() ? 20 : 40) + 8;
  }
};

TEST_F(TruncationTest, OfDatagramsToAnAssignedPort) {
  for (const Ends& ends : {kV4, kV6}) {
    const Packet plain = from_client(ends).payload(21);
    expect_at_every_byte("edge_xdp", plain, header_of(plain, 0), "pass not_ours", "drop malformed");
    const Packet tagged = from_client(ends).payload(21).vlan(1, 0x88a8).vlan(2);
    expect_at_every_byte("edge_xdp", tagged, header_of(tagged, 2), "pass not_ours", "drop malformed");
  }
}

TEST_F(TruncationTest, OfDatagramsOfSessions) {
  for (const std::uint32_t flags : {0U, std::uint32_t{PST_SESSION_DIRECT | PST_SESSION_PROXY}}) {
    for (const Ends& ends : {kV4, kV6}) {
      pst_session session = model_session(id, ends, ends);
      session.flags = flags;
      add(session);
      const Packet in = from_client(ends).payload(21);
      const Packet back = from_backend(ends).payload(21);
      const std::size_t header = header_of(in, 0);
      expect_at_every_byte("edge_xdp", in, header, "pass not_ours", "drop malformed");
      expect_at_every_byte("steer_in_xdp", back, header, "pass not_ours", "drop malformed");
      expect_at_every_byte("steer_back_xdp", back, header, "pass not_ours", "drop malformed");
    }
  }
}

TEST_F(TruncationTest, OfFragmentsAndOptions) {
  const Packet options = from_client(kV4).payload(9).options(3);
  expect_at_every_byte("edge_xdp", options, 34, "pass not_ours", "pass ip_options");
  const Packet fragment = from_client(kV4).payload(9).fragment(8, true);
  expect_at_every_byte("edge_xdp", fragment, 34, "pass not_ours", "pass fragment");
  const Packet extension = from_client(kV6).payload(9).extension(IPPROTO_HOPOPTS);
  expect_at_every_byte("edge_xdp", extension, 54, "pass not_ours", "pass ip_options");
}

TEST_F(TruncationTest, OfOutwardFrames) {
  add(model_session(id, kV4, kV4));
  const Packet frame = Packet{}
                           .ip(kSteering, kVirtual)
                           .udp(kLanePort, kVirtualPort)
                           .payload(frame_out(id, 9, 0) + some_payload(9));
  const std::size_t size = frame.bytes().size();
  for (std::size_t length = kShortest; length < size; ++length) {
    const Outcome out = run("steer_out_xdp", Packet{frame}.truncated(length));
    // Without an IP header it is nobody's; with one, and no UDP header, somebody uses our addresses.
    EXPECT_EQ(summary(out), length < 34 ? "pass not_ours" : length < 42 ? "drop forged" : "drop malformed");
  }
}

}  // namespace
}  // namespace penstock
