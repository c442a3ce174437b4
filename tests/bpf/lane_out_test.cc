// Outward frames that the controller writes to a lane's tap device: without headers, with the payload's sum.
#include <cstring>

#include "bpf/bpf_test.h"

namespace penstock {
namespace {

class LaneOutTest : public BpfTest {
 protected:
  static Octets written(std::uint32_t frame_id, const Octets& payload, std::uint8_t flags = 0) {
    pst_frame_written head{};
    const Octets start = frame_out(frame_id, payload.size(), flags);
    std::memcpy(&head.frame, start.data(), sizeof(head.frame));
    head.sum = big_endian(static_cast<std::uint16_t>(~internet_checksum(payload)));
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&head);
    return Octets(bytes, bytes + sizeof(head)) + payload;
  }
  Outcome out(const Octets& packet) { return run("lane_out_xdp", packet); }
  void expect_sent(const Octets& frame, const Packet& expected) {
    const Outcome sent = out(frame);
    EXPECT_EQ(summary(sent), "redirect steered");
    EXPECT_EQ(sent.packet, expected.bytes());
  }
};

TEST_F(LaneOutTest, SendsToClientAndBackend) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    for (const std::size_t size : {0, 1, 2, 57, 1400}) {
      const Octets payload = some_payload(size);
      expect_sent(written(id, payload), to_client(ends).payload(payload));
      expect_sent(written(id, payload, PST_FRAME_TO_BACKEND), to_backend(ends).payload(payload));
    }
  }
}

TEST_F(LaneOutTest, PutsTheProxyHeaderInFront) {
  for (const Ends& outside : {kV4, kV6}) {
    for (const Ends& inside : {kV4, kV6}) {
      add(model_session(id, outside, inside));
      for (const std::size_t size : {0, 1, 1000}) {
        const Octets payload = some_payload(size);
        expect_sent(written(id, payload, PST_FRAME_TO_BACKEND | PST_FRAME_PROXY),
                    to_backend(inside).payload(proxy_header(outside) + payload));
      }
    }
  }
}

TEST_F(LaneOutTest, PushesTheWaysTag) {
  add(model_session(id, kV4, kV4));
  set_hop(1, 1500, 0x0fff);
  expect_sent(written(id, some_payload(3)), to_client(kV4).payload(3).vlan(0x0fff));
}

TEST_F(LaneOutTest, CountsThePayloadAlone) {
  add(model_session(id, kV4, kV4));
  EXPECT_EQ(out(written(id, some_payload(10), PST_FRAME_TO_BACKEND | PST_FRAME_PROXY)).bytes, 10U);
}

TEST_F(LaneOutTest, DropsWhatIsNotWhatItSays) {
  add(model_session(id, kV4, kV4));
  const Octets frame = written(id, some_payload(9));
  for (std::size_t length = 14; length < frame.size(); ++length)
    EXPECT_EQ(summary(out(Octets(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length)))),
              "drop malformed")
        << length;
  EXPECT_EQ(summary(out(frame + Octets(1))), "drop malformed");
  EXPECT_EQ(summary(out(from_client(kV4).payload(9).bytes())), "drop malformed");
}

TEST_F(LaneOutTest, DropsFramesOfNoSession) {
  add(model_session(id, kV4, kV4));
  EXPECT_EQ(summary(out(written(session_id(6, 9), {}))), "drop no_session");
  EXPECT_EQ(summary(out(written(id | 1U << 31, {}))), "drop no_session");
  EXPECT_EQ(summary(out(written(session_id(5, 8), {}))), "drop stale_session");
  EXPECT_EQ(service_drops(kService, PST_R_STALE_SESSION), 1U);
}

/// The stack has no business with what is written here: backends of this host are reached another way.
TEST_F(LaneOutTest, DropsWhatHasNoWayOut) {
  pst_session session = model_session(id, kV4, kV4);
  session.backend_hop = 0;
  add(session);
  EXPECT_EQ(summary(out(written(id, {}, PST_FRAME_TO_BACKEND))), "drop no_next_hop");
  add(model_session(id, kV4, kV4));
  set_hop(2, 1500, 0, 0);
  EXPECT_EQ(summary(out(written(id, {}, PST_FRAME_TO_BACKEND))), "drop no_next_hop");
}

TEST_F(LaneOutTest, DropsWhatIsLongerThanTheWay) {
  const std::uint8_t flags = PST_FRAME_TO_BACKEND | PST_FRAME_PROXY;
  add(model_session(id, kV4, kV4));
  EXPECT_EQ(summary(out(written(id, some_payload(1500 - 28 - 28), flags))), "redirect steered");
  EXPECT_EQ(summary(out(written(id, some_payload(1501 - 28 - 28), flags))), "drop too_large");
}

}  // namespace
}  // namespace penstock
