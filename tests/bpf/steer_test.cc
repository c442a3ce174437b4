// Inward frames: datagrams of sessions on their way to the steering socket.
#include "bpf/bpf_test.h"

namespace penstock {
namespace {

using SteerTest = BpfTest;

/// The frame that the lane's socket gets for that payload.
Packet framed(std::uint32_t id, const Octets& payload, std::uint16_t lane = 0) {
  return Packet{}
      .eth()
      .ip(kVirtual, kSteering)
      .udp(kVirtualPort, static_cast<std::uint16_t>(kLanePort + lane))
      .payload(frame_in(id) + payload);
}

TEST_F(SteerTest, FramesDatagramsOfBothSides) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    for (const std::size_t size : {0, 1, 2, 3, 57, 1000, 1400}) {
      const Octets payload = some_payload(size);
      const Outcome in = edge(from_client(ends).payload(payload));
      EXPECT_EQ(summary(in), "pass steered");
      EXPECT_EQ(in.packet, framed(id, payload).bytes());
      EXPECT_EQ(in.bytes, size);
      const Outcome back = edge(from_backend(ends).payload(payload));
      EXPECT_EQ(summary(back), "pass steered");
      EXPECT_EQ(back.packet, framed(id, payload).bytes());
    }
  }
}

TEST_F(SteerTest, NormalisesWhatWouldPartDatagramsOfOneSize) {
  add(model_session(id, kV4, kV4));
  const Octets payload = some_payload(20);
  for (const Packet& packet : {from_client(kV4).ttl(1), from_client(kV4).tos(0xb9), from_client(kV4).id(4711),
                               from_client(kV4).may_fragment()})
    EXPECT_EQ(edge(Packet{packet}.payload(payload)).packet, framed(id, payload).bytes());
}

TEST_F(SteerTest, CutsTrailingBytesAndTags) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    const Octets payload = some_payload(3);
    for (const Packet& packet :
         {from_client(ends).trailing(1), from_client(ends).trailing(15), from_client(ends).vlan(9),
          from_client(ends).vlan(9, 0x88a8).vlan(10), from_client(ends).vlan(9).vlan(10).trailing(7)})
      EXPECT_EQ(edge(Packet{packet}.payload(payload)).packet, framed(id, payload).bytes());
  }
}

TEST_F(SteerTest, KeepsTheHardwareAddresses) {
  add(model_session(id, kV4, kV4));
  const Mac to{2, 3, 4, 5, 6, 7}, from{12, 13, 14, 15, 16, 17};
  EXPECT_EQ(edge(from_client(kV4).eth(to, from)).packet, framed(id, {}).eth(to, from).bytes());
}

TEST_F(SteerTest, LeavesADatagramWithoutChecksumWithoutOne) {
  add(model_session(id, kV4, kV4));
  const Octets payload = some_payload(21);
  const Outcome out = edge(from_client(kV4).payload(payload).no_checksum());
  EXPECT_EQ(summary(out), "pass steered");
  EXPECT_EQ(out.packet, framed(id, payload).no_checksum().bytes());
}

TEST_F(SteerTest, ChoosesTheSessionsLane) {
  pst_session session = model_session(id, kV4, kV4);
  session.lane = 1;
  add(session);
  EXPECT_EQ(edge(from_client(kV4)).packet, framed(id, {}, 1).bytes());
}

TEST_F(SteerTest, LeavesToTheStackWhatHasNoLane) {
  pst_session session = model_session(id, kV4, kV4);
  for (const std::uint16_t lane :
       {std::uint16_t{2}, std::uint16_t{63}, std::uint16_t{64}, std::uint16_t{65535}}) {
    session.lane = lane;
    add(session);
    expect_untouched(from_client(kV4).payload(5).trailing(3), "no_next_hop");
  }
  session.lane = 0;
  add(session);
  pst_settings settings = model_settings();
  settings.steering_address = 0;
  set_settings(settings);
  expect_untouched(from_client(kV4), "no_next_hop");
}

TEST_F(SteerTest, NotesWhenEachSideSent) {
  add(model_session(id, kV4, kV4));
  edge(from_client(kV4));
  EXPECT_NE(stored(id).client_seen, 0U);
  EXPECT_EQ(stored(id).backend_seen, 0U);
  edge(from_backend(kV4));
  EXPECT_NE(stored(id).backend_seen, 0U);
  EXPECT_EQ(stored(id).to_backend_datagrams, 0U);  // the controller counts what it sees itself
}

}  // namespace
}  // namespace penstock
