#include "tunnel/byte_queue.h"

#include <gtest/gtest.h>

#include "support/sim_random.h"

namespace penstock {
namespace {

TEST(ByteQueueTest, IsEmptyAtFirst) {
  const ByteQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_TRUE(queue.front().empty());
}

TEST(ByteQueueTest, GivesSmallPiecesBackTogether) {
  ByteQueue queue;
  for (int i = 0; i < 100; ++i) queue.append(as_bytes("12345"));
  EXPECT_EQ(queue.front().size(), 500U);
  queue.consume(499);
  EXPECT_EQ(as_text(queue.front()), "5");
}

TEST(ByteQueueTest, KeepsPacketsTogetherForTheLink) {
  ByteQueue queue;
  const std::string packet(1380, 'x');
  for (int i = 0; i < 11; ++i) queue.append(as_bytes(packet));
  EXPECT_EQ(queue.front().size(), queue.size());
}

TEST(ByteQueueTest, KeepsATurnTogetherThatIsLikeTheOneBefore) {
  ByteQueue queue;
  const std::string packet(1380, 'x');
  const auto take_turn = [&] {
    queue.append(as_bytes("what was left in the packet of another stream"));
    for (int i = 0; i < 22; ++i) queue.append(as_bytes(packet));
  };
  take_turn();
  EXPECT_LT(queue.front().size(), queue.size());
  while (!queue.empty()) queue.consume(queue.front().size());
  take_turn();
  EXPECT_EQ(queue.front().size(), queue.size());
}

TEST(ByteQueueTest, ForgetsEverythingWhenCleared) {
  ByteQueue queue;
  queue.append(as_bytes(std::string(100'000, 'x')));
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.front().empty());
  queue.append(as_bytes("again"));
  EXPECT_EQ(as_text(queue.front()), "again");
}

TEST(ByteQueueTest, EndsWithAMillionBlocksWithoutUsingUpTheStack) {
  ByteQueue queue;
  const std::string block(16384, 'x');
  for (int i = 0; i < 20'000; ++i) queue.append(as_bytes(block));
  EXPECT_EQ(queue.size(), 20'000U * 16384);
}

/// The oracle is a string.
class ByteQueueRandomTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ByteQueueRandomTest, BehavesLikeAString) {
  SimRandom random{GetParam()};
  ByteQueue queue;
  std::string oracle;
  char next = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (random.chance(0.5)) {
      std::string piece(random.size(random.chance(0.1) ? 50'000 : 300), '\0');
      for (char& byte : piece) byte = next++;
      queue.append(as_bytes(piece));
      oracle += piece;
    } else if (!oracle.empty()) {
      const Bytes front = queue.front();
      ASSERT_FALSE(front.empty());
      ASSERT_EQ(as_text(front), std::string_view{oracle}.substr(0, front.size())) << "seed " << GetParam();
      const std::size_t count = random.between(0, front.size());
      queue.consume(count);
      oracle.erase(0, count);
    }
    if (random.chance(0.001)) {
      queue.clear();
      oracle.clear();
    }
    ASSERT_EQ(queue.size(), oracle.size());
    ASSERT_EQ(queue.empty(), oracle.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ByteQueueRandomTest, testing::Range(std::uint64_t{1}, std::uint64_t{6}));

}  // namespace
}  // namespace penstock
