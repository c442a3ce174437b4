// Inward frames that go to their lane's ring instead of its socket.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "bpf/bpf_test.h"

namespace penstock {
namespace {

struct Kept {
  std::uint32_t id = 0;
  std::uint16_t sum = 0;
  Octets payload;
};

/// Puts a ring into lane 0, read by libbpf's own reader.
class KeepTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    put_ring(1 << 16);
    add(model_session(id, kV4, kV4));
  }
  void TearDown() override {
    ring_buffer__free(reader_);
    ::close(ring_);
    map("pst_lane_rings").erase(std::uint32_t{0});
    BpfTest::TearDown();
  }

  void put_ring(std::uint32_t bytes) {
    ring_ = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "test_ring", 0, 0, bytes, nullptr);
    ASSERT_GE(ring_, 0);
    map("pst_lane_rings").put(std::uint32_t{0}, ring_);
    reader_ = ring_buffer__new(ring_, &KeepTest::take, &records_, nullptr);
    ASSERT_NE(reader_, nullptr);
  }

  /// What came into the ring since the last call.
  std::vector<Kept> kept() {
    records_.clear();
    ring_buffer__consume(reader_);
    return records_;
  }
  void expect_kept(const Packet& packet, const Octets& payload, std::uint16_t sum) {
    EXPECT_EQ(summary(edge(packet)), "drop steered");
    const auto found = kept();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, id);
    EXPECT_EQ(found[0].payload, payload);
    EXPECT_EQ(found[0].sum, sum) << payload.size() << " bytes";
  }

 private:
  static int take(void* into, void* data, std::size_t size) {
    pst_frame_kept head{};
    EXPECT_GE(size, sizeof(head));
    std::memcpy(&head, data, sizeof(head));
    EXPECT_LE(sizeof(head) + head.length, size);
    const auto* const bytes = static_cast<const std::uint8_t*>(data) + sizeof(head);
    static_cast<std::vector<Kept>*>(into)->push_back(
        {.id = ntohl(head.id), .sum = head.sum, .payload = Octets(bytes, bytes + head.length)});
    return 0;
  }

  int ring_ = -1;
  ring_buffer* reader_ = nullptr;
  std::vector<Kept> records_;
};

/// As the ring has it: in the order of the wire's bytes, and never 0.
std::uint16_t sum_of(const Octets& payload) {
  const auto sum = static_cast<std::uint16_t>(~internet_checksum(payload));
  return sum == 0 ? std::uint16_t{0xffff} : big_endian(sum);
}

TEST_F(KeepTest, KeepsDatagramsOfEverySizeWithTheirSum) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    for (const std::size_t size : {1, 2, 3, 57, 127, 128, 129, 512, 513, 1400, 2048, 2049, 3000}) {
      const Octets payload = some_payload(size);
      expect_kept(from_client(ends).payload(payload), payload, sum_of(payload));
      expect_kept(from_backend(ends).payload(payload), payload, sum_of(payload));
    }
    expect_kept(from_client(ends), {}, 0xffff);
  }
}

TEST_F(KeepTest, LeavesTrailingBytesAndTagsOut) {
  const Octets payload = some_payload(3);
  for (const Packet& packet : {from_client(kV4).trailing(15), from_client(kV4).vlan(9),
                               from_client(kV4).vlan(9, 0x88a8).vlan(10).trailing(7)})
    expect_kept(Packet{packet}.payload(payload), payload, sum_of(payload));
}

TEST_F(KeepTest, TellsOfNoSumWhereThereIsNone) {
  const Octets payload = some_payload(21);
  expect_kept(from_client(kV4).payload(payload).no_checksum(), payload, 0);
}

/// A local sender's, for a card to finish: its field has the pseudo-header's sum and no more.
TEST_F(KeepTest, TellsOfNoSumWhereTheChecksumIsUnfinished) {
  for (const Ends& ends : {kV4, kV6}) {
    add(model_session(id, ends, ends));
    const Octets payload = some_payload(21);
    Octets packet = from_client(ends).payload(payload).bytes();
    const std::size_t addresses = &ends == &kV4 || ends.client == kV4.client ? 8 : 32;
    const std::size_t udp = packet.size() - payload.size() - 8;
    std::uint32_t sum = IPPROTO_UDP + 8 + static_cast<std::uint32_t>(payload.size());
    for (std::size_t i = udp - addresses; i < udp; i += 2) sum += packet[i] * 256U + packet[i + 1];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    packet[udp + 6] = static_cast<std::uint8_t>(sum >> 8);
    packet[udp + 7] = static_cast<std::uint8_t>(sum);
    EXPECT_EQ(summary(run("edge_xdp", packet)), "drop steered");
    const auto found = kept();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].sum, 0);
    EXPECT_EQ(found[0].payload, payload);
  }
}

/// The reader finds it: what it sums is not what the sum says.
TEST_F(KeepTest, PassesADamagedChecksumOn) {
  const Octets payload = some_payload(64);
  Octets packet = from_client(kV4).payload(payload).bytes();
  packet.back() ^= 1;
  EXPECT_EQ(summary(run("edge_xdp", packet)), "drop steered");
  const auto found = kept();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].sum, sum_of(payload));
  EXPECT_NE(found[0].sum, sum_of(found[0].payload));
}

TEST_F(KeepTest, CountsWhatFindsNoRoom) {
  const Packet packet = from_client(kV4).payload(some_payload(1400));
  std::size_t taken = 0;
  while (taken < 100 && summary(edge(packet)) == "drop steered") ++taken;
  EXPECT_EQ(taken, (std::size_t{1} << 16) / (1536 + 8 + 8));
  EXPECT_EQ(summary(edge(packet)), "drop overrun");
  EXPECT_EQ(service_drops(kService, PST_R_OVERRUN), 2U);
  EXPECT_EQ(kept().size(), taken);
  expect_kept(packet, some_payload(1400), sum_of(some_payload(1400)));
}

TEST_F(KeepTest, KeepsRepliesOnOtherInterfaces) {
  EXPECT_EQ(summary(run("steer_in_xdp", from_backend(kV4).payload(5))), "drop steered");
  EXPECT_EQ(kept().size(), 1U);
}

TEST_F(KeepTest, LeavesOtherLanesAndTheSteeringDeviceToTheSockets) {
  EXPECT_EQ(summary(run("steer_back_xdp", from_backend(kV4).payload(5))), "pass steered");
  pst_session session = model_session(id, kV4, kV4);
  session.lane = 1;
  add(session);
  EXPECT_EQ(summary(edge(from_client(kV4))), "pass steered");
  session.lane = 65535;
  add(session);
  EXPECT_EQ(summary(edge(from_client(kV4))), "pass no_next_hop");
  EXPECT_TRUE(kept().empty());
}

}  // namespace
}  // namespace penstock
