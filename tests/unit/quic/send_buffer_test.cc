// Bytes of a stream between writer, wire and acknowledgement.
#include "quic/send_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "support/sim_random.h"

namespace penstock {
namespace {

void write(SendBuffer& buffer, std::string_view text) {
  buffer.append(as_bytes(text));
}

TEST(SendBufferTest, BeginsEmpty) {
  const SendBuffer buffer;
  EXPECT_TRUE(buffer.unsent().empty());
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_EQ(buffer.unsent_bytes(), 0U);
}

TEST(SendBufferTest, ForgetsOnlyWhatWasAcknowledged) {
  SendBuffer buffer;
  write(buffer, "abcdef");
  buffer.sent(4);
  EXPECT_EQ(as_text(buffer.unsent()), "ef");
  buffer.acknowledged(3);
  EXPECT_EQ(buffer.size(), 3U);
  EXPECT_EQ(buffer.unsent_bytes(), 2U);
  EXPECT_EQ(as_text(buffer.unsent()), "ef");
}

TEST(SendBufferTest, TakesWhatIsCommittedOfTheRoom) {
  SendBuffer buffer;
  const MutableBytes room = buffer.room(10);
  ASSERT_GE(room.size(), 10U);
  std::memcpy(room.data(), "0123456789", 10);
  buffer.commit(4);
  EXPECT_EQ(as_text(buffer.unsent()), "0123");
  EXPECT_EQ(buffer.room(1).data(), room.data() + 4);
}

TEST(SendBufferTest, GivesRoomForALargestChunkAtMost) {
  SendBuffer buffer;
  EXPECT_EQ(buffer.room(BlockSize::kLargest).size(), BlockSize::kLargest);
  EXPECT_EQ(buffer.room(10 * BlockSize::kLargest).size(), BlockSize::kLargest);
  EXPECT_GE(buffer.room(0).size(), 1U);
}

/// Bytes go through it in one burst, and are all acknowledged.
void pass(SendBuffer& buffer, std::size_t bytes) {
  write(buffer, std::string(bytes, 'x'));
  while (!buffer.unsent().empty()) buffer.sent(buffer.unsent().size());
  buffer.acknowledged(buffer.size());
}

TEST(SendBufferTest, HasRoomForAsMuchAsTheTimesBefore) {
  SendBuffer buffer;
  EXPECT_EQ(buffer.room(1).size(), BlockSize::kSmallest);
  pass(buffer, 40000);
  EXPECT_EQ(buffer.room(1).size(), BlockSize::kLargest);
  pass(buffer, 1);
  EXPECT_EQ(buffer.room(1).size(), 32768U) << "a short one between long ones";
  for (int i = 0; i < 5; ++i) pass(buffer, 1);
  EXPECT_EQ(buffer.room(1).size(), BlockSize::kSmallest);
}

TEST(SendBufferTest, GrowsWithWhatItHolds) {
  SendBuffer buffer;
  write(buffer, std::string(BlockSize::kSmallest, 'x'));
  write(buffer, std::string(BlockSize::kSmallest, 'y'));
  EXPECT_EQ(buffer.room(1).size(), 2 * BlockSize::kSmallest);
}

/// Against a string: whatever is written, sent and acknowledged in whatever pieces, the bytes come in order,
/// and those under way stay at their place.
TEST(SendBufferTest, BehavesAsAString) {
  SimRandom random{7};
  SendBuffer buffer;
  std::string written;
  std::size_t sent = 0;
  std::size_t acknowledged = 0;
  struct Flight {
    const std::byte* at;
    std::size_t from;
    std::size_t size;
  };
  std::vector<Flight> flights;
  for (int step = 0; step < 20000; ++step) {
    if (random.chance(0.3)) {
      std::string text(random.size(random.chance(0.1) ? 40000 : 500), '\0');
      for (char& each : text) each = static_cast<char>(random.between(0, 255));
      if (random.chance(0.5)) {
        write(buffer, text);
      } else {
        const MutableBytes room = buffer.room(text.size());
        text.resize(std::min(text.size(), room.size()));
        std::memcpy(room.data(), text.data(), text.size());
        buffer.commit(text.size());
      }
      written += text;
    }
    const Bytes next = buffer.unsent();
    ASSERT_EQ(next.empty(), sent == written.size());
    ASSERT_EQ(as_text(next), std::string_view{written}.substr(sent, next.size()));
    if (!next.empty() && random.chance(0.6)) {
      const std::size_t part = random.between(1, next.size());
      flights.push_back({next.data(), sent, part});
      buffer.sent(part);
      sent += part;
    }
    if (sent > acknowledged && random.chance(0.4)) {
      for (const Flight& each : flights)
        ASSERT_EQ(std::memcmp(each.at, written.data() + each.from, each.size), 0);
      const std::size_t part = random.between(1, sent - acknowledged);
      buffer.acknowledged(part);
      acknowledged += part;
      std::erase_if(flights, [&](const Flight& each) { return each.from < acknowledged; });
    }
    ASSERT_EQ(buffer.size(), written.size() - acknowledged);
    ASSERT_EQ(buffer.unsent_bytes(), written.size() - sent);
  }
}

}  // namespace
}  // namespace penstock
