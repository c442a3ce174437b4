#include "tunnel/datagram_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "support/sim_random.h"

namespace penstock {
namespace {

constexpr std::uint32_t kQueuedSession = wire::kSessionBit | 5;
constexpr std::size_t kNote = 16;  // bytes of the queue's own for each push

std::string frame_of(FrameType type, std::string_view payload) {
  std::vector<std::byte> out;
  append_frame(out, kQueuedSession, type, as_bytes(payload));
  return std::string{as_text(out)};
}

std::string take(DatagramQueue& queue, std::size_t room) {
  std::vector<std::byte> into(room);
  const std::size_t bytes = queue.take(into);
  return std::string{as_text(Bytes{into}.first(bytes))};
}

class DatagramQueueTest : public testing::Test {
 protected:
  std::uint64_t lost() const { return line.dropped[PST_R_TUNNEL_LOST].get(); }

  LedgerLine line;
};

TEST_F(DatagramQueueTest, IsEmptyAtFirst) {
  DatagramQueue queue{1000};
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.cut());
  EXPECT_EQ(take(queue, 100), "");
}

TEST_F(DatagramQueueTest, GivesOneFrameAtATime) {
  DatagramQueue queue{1000};
  ASSERT_TRUE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes("one"), line));
  ASSERT_TRUE(queue.push(FrameType::kUdpDataBack, kQueuedSession, {}, line));
  EXPECT_EQ(take(queue, 100), frame_of(FrameType::kUdpData, "one"));
  EXPECT_FALSE(queue.cut());
  EXPECT_EQ(take(queue, 100), frame_of(FrameType::kUdpDataBack, ""));
  EXPECT_TRUE(queue.empty());
}

TEST_F(DatagramQueueTest, CountsADatagramAsSentWithItsLastByte) {
  DatagramQueue queue{1000};
  ASSERT_TRUE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes("12345"), line));
  EXPECT_EQ(line.held.get(), 1U);
  EXPECT_EQ(line.held_bytes.get(), 5U);
  EXPECT_EQ(take(queue, wire::kHeaderSize + 4).size(), wire::kHeaderSize + 4);
  EXPECT_TRUE(queue.cut());
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(line.held.get(), 1U);
  EXPECT_EQ(line.sent.get(), 0U);
  EXPECT_EQ(take(queue, 100), "5");
  EXPECT_FALSE(queue.cut());
  EXPECT_EQ(line.held.get(), 0U);
  EXPECT_EQ(line.held_bytes.get(), 0U);
  EXPECT_EQ(line.sent.get(), 1U);
  EXPECT_EQ(line.sent_bytes.get(), 5U);
  EXPECT_EQ(line.received.get(), 0U);  // that is for who received it
}

TEST_F(DatagramQueueTest, HoldsWhatFitsToTheByte) {
  DatagramQueue queue{2 * (kNote + wire::kHeaderSize) + 10};
  ASSERT_TRUE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes("12345"), line));
  EXPECT_FALSE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes("123456"), line));
  EXPECT_EQ(line.held.get(), 1U);
  EXPECT_TRUE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes("12345"), line));
  EXPECT_FALSE(queue.push(FrameType::kUdpData, kQueuedSession, {}, line));
  EXPECT_EQ(line.held.get(), 2U);
}

TEST_F(DatagramQueueTest, OpensWithItsDatagramOrNotAtAll) {
  const std::string header(wire::kMaxUdpOpen, 'p');
  DatagramQueue queue{kNote + 2 * wire::kHeaderSize + wire::kMaxUdpOpen + 5};
  EXPECT_FALSE(queue.push_open(kQueuedSession, as_bytes(header), as_bytes("123456"), line));
  EXPECT_TRUE(queue.empty());
  ASSERT_TRUE(queue.push_open(kQueuedSession, as_bytes(header), as_bytes("12345"), line));
  EXPECT_EQ(line.held.get(), 1U);
  EXPECT_EQ(line.held_bytes.get(), 5U);
  EXPECT_EQ(take(queue, 1000),
            frame_of(FrameType::kUdpOpen, header) + frame_of(FrameType::kUdpData, "12345"));
}

TEST_F(DatagramQueueTest, RefusesWhatNoPeerWouldTake) {
  DatagramQueue queue{1 << 20};
  const std::string largest(wire::kMaxDatagram, 'x');
  EXPECT_TRUE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes(largest), line));
  EXPECT_FALSE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes(largest + "x"), line));
  EXPECT_FALSE(
      queue.push_open(kQueuedSession, as_bytes(std::string(28, 'p')), as_bytes(largest + "x"), line));
  EXPECT_FALSE(queue.push_open(kQueuedSession, as_bytes(std::string(53, 'p')), {}, line));
}

TEST_F(DatagramQueueTest, TakesNothingWhereItsBoundIsNothing) {
  DatagramQueue queue{0};
  EXPECT_FALSE(queue.push(FrameType::kUdpData, kQueuedSession, {}, line));
  EXPECT_TRUE(queue.empty());
}

TEST_F(DatagramQueueTest, DropsWhatIsLeftAndWhatWasCut) {
  LedgerLine other;
  {
    DatagramQueue queue{1000};
    ASSERT_TRUE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes("gone"), line));
    ASSERT_TRUE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes("is cut"), line));
    ASSERT_TRUE(queue.push(FrameType::kUdpData, kQueuedSession, as_bytes("waits"), other));
    take(queue, 100);
    take(queue, 12);
    ASSERT_TRUE(queue.cut());
  }
  EXPECT_EQ(line.held.get(), 0U);
  EXPECT_EQ(line.held_bytes.get(), 0U);
  EXPECT_EQ(line.sent.get(), 1U);
  EXPECT_EQ(lost(), 1U);
  EXPECT_EQ(line.dropped_bytes.get(), 6U);
  EXPECT_EQ(other.held.get(), 0U);
  EXPECT_EQ(other.dropped[PST_R_TUNNEL_LOST].get(), 1U);
  EXPECT_EQ(other.dropped_bytes.get(), 5U);
}

/// The oracle is a list of strings.
class DatagramQueueRandomTest : public DatagramQueueTest, public testing::WithParamInterface<std::uint64_t> {
 protected:
  static constexpr std::size_t kLimit = 10'000;

  void push() {
    const bool open = random.chance(0.2);
    const std::string payload = text(random.size(random.chance(0.1) ? 9000 : 200));
    const std::string header = text(random.chance(0.5) ? 28 : 52);
    const FrameType type = random.chance(0.5) ? FrameType::kUdpData : FrameType::kUdpDataBack;
    const std::string frames =
        open ? frame_of(FrameType::kUdpOpen, header) + frame_of(FrameType::kUdpData, payload)
             : frame_of(type, payload);
    const bool fits = used + kNote + frames.size() <= kLimit;
    ASSERT_EQ(open ? queue.push_open(kQueuedSession, as_bytes(header), as_bytes(payload), line)
                   : queue.push(type, kQueuedSession, as_bytes(payload), line),
              fits);
    if (!fits) return;
    waiting.push_back(frames);
    used += kNote + frames.size();
  }
  void take_some() {
    const std::size_t room = random.between(1, random.chance(0.2) ? 9000 : 300);
    const std::string got = take(queue, room);
    if (waiting.empty()) {
      ASSERT_EQ(got, "");
      return;
    }
    std::string& front = waiting.front();
    ASSERT_EQ(got, front.substr(0, room));
    if (!cut) used -= kNote;
    used -= got.size();
    front.erase(0, room);
    cut = !front.empty();
    if (cut) return;
    waiting.pop_front();
    ++sent;
  }
  void drop_all() {
    queue.drop_all(PST_R_TUNNEL_LOST);
    dropped += waiting.size();
    waiting.clear();
    used = 0;
    cut = false;
  }
  std::string text(std::size_t size) {
    std::string out(size, '\0');
    for (char& byte : out) byte = next++;
    return out;
  }

  SimRandom random{GetParam()};
  DatagramQueue queue{kLimit};
  std::deque<std::string> waiting;
  std::size_t used = 0;
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;
  bool cut = false;
  char next = 0;
};

TEST_P(DatagramQueueRandomTest, BehavesLikeAListOfFrames) {
  double fill = 0.5;
  for (int i = 0; i < 50'000; ++i) {
    if (i % 200 == 0) fill = random.chance(0.5) ? 0.7 : 0.3;
    ASSERT_NO_FATAL_FAILURE(random.chance(fill) ? push() : take_some())
        << "seed " << GetParam() << " step " << i;
    if (random.chance(0.0005)) drop_all();
    ASSERT_EQ(queue.empty(), waiting.empty());
    ASSERT_EQ(queue.cut(), cut);
    ASSERT_EQ(line.held.get(), waiting.size());
    ASSERT_EQ(line.sent.get(), sent);
    ASSERT_EQ(lost(), dropped);
  }
  EXPECT_GT(sent, 1000U);
  drop_all();
  EXPECT_EQ(line.held_bytes.get(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DatagramQueueRandomTest, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

}  // namespace
}  // namespace penstock
