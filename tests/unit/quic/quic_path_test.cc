// What a path tells by marks (ECN), and keys that are renewed on it.
#include <algorithm>

#include "unit/quic/quic_world.h"

namespace penstock {
namespace {

class QuicPathTest : public QuicWorld {
 protected:
  /// Sends much, and returns the largest congestion window on the way.
  std::uint64_t window_while_sending() {
    const std::string text = telling(4000000, 1);
    const QuicStreamId id = near.open(text, true);
    std::uint64_t largest = 0;
    EXPECT_TRUE(run([&] {
      largest = std::max(largest, near.connection->report().congestion_window);
      return far().ended.contains(id);
    }));
    EXPECT_TRUE(far().received[id] == text);
    return largest;
  }
};

TEST_F(QuicPathTest, MarksOfCongestionSlowTheSenderAndLoseNothing) {
  settings.congestion = QuicCongestion::kCubic;
  connect();
  const std::uint64_t unmarked = window_while_sending();
  EXPECT_EQ(far().connection->report().marked_packets, 0U);

  internet.post().set_path({.delay = 10ms, .marking = 0.05});
  clock.run_for(10s);
  const std::uint64_t marked = window_while_sending();
  EXPECT_GT(far().connection->report().marked_packets, 10U);
  EXPECT_LT(near.connection->report().congestion_window, unmarked / 4) << marked;
  EXPECT_EQ(near.connection->report().lost_packets, 0U);
}

TEST_F(QuicPathTest, APathThatClearsTheBitsCarriesAll) {
  internet.post().set_path({.delay = 10ms, .marking = 1, .bleaches = true});
  connect();
  window_while_sending();
  EXPECT_EQ(far().connection->report().marked_packets, 0U);
}

TEST_F(QuicPathTest, TimersRestWhileAcknowledgementsDrive) {
  connect();
  const std::size_t sender = client_loop.timers_fired();
  const std::size_t receiver = server_loop.timers_fired();
  window_while_sending();
  const std::size_t packets = near.connection->report().sent_packets;
  EXPECT_LT((client_loop.timers_fired() - sender) * 10, packets);
  EXPECT_LT((server_loop.timers_fired() - receiver) * 20, packets);
}

/// What it sends to find the path's rate is lost in part; unpaced, a quarter of everything is.
TEST_F(QuicPathTest, PacketsAreSpreadForAPathWithAShortQueue) {
  settings.stream_window = 8 << 20;
  internet.post().set_path({.delay = 25ms, .bytes_per_second = 12'500'000, .queue = 10ms});
  connect();
  for (int i = 0; i < 3; ++i) window_while_sending();
  const QuicReport report = near.connection->report();
  EXPECT_LT(report.lost_packets * 6, report.sent_packets);
}

/// BBR keeps twice of that under way.
TEST_F(QuicPathTest, KnowsWhatThePathCarries) {
  settings.stream_window = 8 << 20;
  internet.post().set_path({.delay = 25ms, .bytes_per_second = 2'000'000, .queue = 100ms});
  connect();
  window_while_sending();
  EXPECT_GT(near.connection->bytes_in(1s), 1'000'000U);
  EXPECT_LT(near.connection->bytes_in(1s), 5'000'000U);
  EXPECT_NEAR(static_cast<double>(near.connection->bytes_in(1ms)),
              static_cast<double>(near.connection->bytes_in(1s)) / 1000, 1);
}

TEST_F(QuicPathTest, WhatWouldBeginAtTheEndOfARunBeginsWithTheNext) {
  settings.congestion = QuicCongestion::kCubic;  // whose runs are long
  settings.stream_window = 8 << 20;
  connect();
  window_while_sending();
  QuicStreamId last = -1;
  int postponed = 0;
  near.before_streams = [&](QuicPacket& packet) {
    if (near.active.empty() || std::exchange(last, near.active.front()) == last) return true;
    if (packet.begin_turn()) return true;
    ++postponed;
    return false;
  };
  std::vector<QuicStreamId> turns(5);
  for (QuicStreamId& id : turns) id = near.open(telling(55000, 1), true);
  ASSERT_TRUE(run([&] { return far().ended.contains(turns.back()); }));
  for (const QuicStreamId id : turns) EXPECT_TRUE(far().received[id] == telling(55000, 1)) << id;
  EXPECT_EQ(postponed, 4);
}

/// And not when the peer has acknowledged something, though nothing was in the packet that ended the run.
TEST_F(QuicPathTest, TheNextRunFollowsAtOnce) {
  settings.congestion = QuicCongestion::kCubic;
  settings.stream_window = 8 << 20;
  connect();
  window_while_sending();
  near.before_streams = [](QuicPacket& packet) { return packet.begin_turn(); };
  const QuicStreamId id = near.open(telling(500000, 1), true);
  EXPECT_TRUE(run([&] { return far().ended.contains(id); }, 19ms));  // a round trip takes 20
}

TEST_F(QuicPathTest, TheClientRenewsTheKeysOfBothDirections) {
  settings.rekey = 1min;
  connect();
  far().echoes = true;
  const QuicStreamId id = near.open("0", false);
  std::string sent = "0";
  for (int second = 1; second < 330; ++second) {
    sent += std::to_string(second);
    near.send(id, std::to_string(second), false);
    clock.run_for(1s);
  }
  ASSERT_TRUE(run([&] { return near.received[id].size() == sent.size(); }));
  EXPECT_EQ(near.received[id], sent);
  EXPECT_EQ(near.connection->report().key_updates, 5U);
  EXPECT_EQ(far().connection->report().key_updates, 5U);
}

TEST_F(QuicPathTest, KeysAreNotRenewedBeforeTheirTime) {
  connect();
  for (int minute = 0; minute < 59; ++minute) clock.run_for(1min);
  EXPECT_EQ(near.connection->report().key_updates, 0U);
  clock.run_for(2min);
  EXPECT_EQ(near.connection->report().key_updates, 1U);
  EXPECT_FALSE(near.closed);
}

}  // namespace
}  // namespace penstock
