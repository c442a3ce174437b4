// From XDP to TC: what edge_xdp leaves in front of a packet for a device that takes no frames from it.
#include <cstring>

#include "bpf/bpf_test.h"

namespace penstock {
namespace {

constexpr std::uint64_t kInstance = 0x1122334455667789;

/// As bpf/lib/hand_over.h has it.
struct Note {
  std::uint32_t mark[2];
  std::uint32_t device;
  std::uint16_t vlan;
  std::uint16_t zero;
};

class TcHandOverTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    pst_settings settings = model_settings();
    settings.instance = kInstance;
    set_settings(settings);
  }
  void direct(const Ends& ends, std::uint32_t more_flags) {
    pst_session session = model_session(id, ends, ends);
    session.flags = PST_SESSION_DIRECT | more_flags;
    add(session);
  }
  /// Expects that the packet passes, rewritten, behind a note with that tag.
  void expect_noted(const Packet& in, const Packet& expected, std::uint16_t vlan) {
    const Outcome out = edge(in);
    EXPECT_EQ(summary(out), "pass forwarded");
    ASSERT_GT(out.packet.size(), sizeof(Note));
    Note note{};
    std::memcpy(&note, out.packet.data(), sizeof(note));
    EXPECT_EQ(note.mark[0], kInstance >> 32);
    EXPECT_EQ(note.mark[1], kInstance & 0xffffffff);
    EXPECT_EQ(note.device, kHopDevice);
    EXPECT_EQ(note.vlan, big_endian(vlan));
    EXPECT_EQ(note.zero, 0);
    EXPECT_EQ(Octets(out.packet.begin() + sizeof(Note), out.packet.end()), expected.bytes());
  }
};

TEST_F(TcHandOverTest, RewritesAndLeavesANote) {
  for (const Ends& ends : {kV4, kV6}) {
    set_hop(2, 1420, 0, kHopDevice, PST_HOP_BARE);
    for (const std::size_t size : {0, 1, 1000}) {
      direct(ends, 0);
      expect_noted(from_client(ends).payload(size), to_backend(ends).eth({}, {}).payload(size).ttl(63), 0);
      direct(ends, PST_SESSION_PROXY);
      expect_noted(from_client(ends).payload(size).vlan(3),
                   to_backend(ends).eth({}, {}).payload(proxy_header(ends) + some_payload(size)).ttl(63), 0);
    }
    set_hop(2, 1500, 0x6123, kHopDevice, PST_HOP_BY_TC);
    direct(ends, 0);
    expect_noted(from_client(ends).payload(33), to_backend(ends).payload(33).ttl(63), 0x6123);
  }
}

TEST_F(TcHandOverTest, AnswersBeforeItLeavesANote) {
  direct(kV4, PST_SESSION_PROXY);
  set_hop(2, 1420, 0, kHopDevice, PST_HOP_BARE);
  EXPECT_EQ(summary(edge(from_client(kV4).payload(1420 - 28))), "tx told_mtu");
  expect_untouched(from_client(kV4).payload(1420 - 28).may_fragment(), "over_mtu");
}

TEST_F(TcHandOverTest, SendsNoFrameToADeviceWithoutThem) {
  add(model_session(id, kV4, kV4));
  set_hop(1, 1420, 0, kHopDevice, PST_HOP_BARE);
  const Packet frame = Packet{}
                           .ip(kSteering, kVirtual)
                           .udp(kLanePort, kVirtualPort)
                           .payload(frame_out(id, 9, 0) + some_payload(9));
  EXPECT_EQ(summary(run("steer_out_xdp", frame)), "drop no_next_hop");
}

/// Without metadata there is nothing to hand over, whatever the packet says.
TEST_F(TcHandOverTest, TakesNoPacketWithoutANote) {
  const Note note{{kInstance >> 32, kInstance & 0xffffffff}, kHopDevice, 0, 0};
  Octets bytes(sizeof(note));
  std::memcpy(bytes.data(), &note, sizeof(note));
  bytes = bytes + from_client(kV4).bytes();
  const Outcome out = run("leave_tc", bytes);
  EXPECT_EQ(summary(out), "pass none");
  EXPECT_EQ(out.packet, bytes);
}

}  // namespace
}  // namespace penstock
