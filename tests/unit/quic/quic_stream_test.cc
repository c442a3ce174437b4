// Streams and datagrams over QUIC.
#include <algorithm>

#include "unit/quic/quic_world.h"

namespace penstock {
namespace {

class QuicStreamTest : public QuicWorld {
 protected:
  void make_path_bad() {
    internet.post().set_path(
        {.delay = 10ms, .loss = 0.05, .duplication = 0.05, .reordering = 0.1, .held = 20ms});
  }
};

TEST_F(QuicStreamTest, CarriesBytesBothWaysAndCloses) {
  connect();
  far().echoes = true;
  const QuicStreamId id = near.open("hello", true);
  EXPECT_EQ(id, 0);
  ASSERT_TRUE(run([&] { return near.ended.contains(id) && near.closed_streams.contains(id); }));
  EXPECT_EQ(near.received[id], "hello");
  EXPECT_TRUE(run([&] { return far().closed_streams.contains(id); }));
  EXPECT_EQ(near.connection->buffer(id), nullptr);
  EXPECT_GT(near.acknowledgements, 0);
  EXPECT_GT(near.turns, 0);
}

TEST_F(QuicStreamTest, CarriesAThousandStreamsUnmixedOverABadPath) {
  make_path_bad();
  settings.streams = 400;  // fewer than there will be: places are given back
  connect();
  far().echoes = true;
  std::map<QuicStreamId, std::string> sent;
  ASSERT_TRUE(run(
      [&] {
        while (sent.size() < 1000) {
          const auto id = near.connection->open_stream();
          if (!id) {
            EXPECT_EQ(id.error().code, Errc::kLimit);
            break;
          }
          sent[*id] = telling(sent.size() * 37 % 9000, sent.size());
          near.send(*id, sent[*id], true);
        }
        return near.closed_streams.size() == 1000;
      },
      600s));
  EXPECT_EQ(near.ended.size(), 1000U);
  for (const auto& [id, text] : sent) ASSERT_EQ(near.received[id], text) << id;
}

TEST_F(QuicStreamTest, CarriesMuchOverABadPath) {
  make_path_bad();
  connect();
  const std::string text = telling(3000000, 1);
  const QuicStreamId id = near.open(text, true);
  ASSERT_TRUE(run([&] { return far().ended.contains(id); }, 600s));
  EXPECT_TRUE(far().received[id] == text);
  EXPECT_GT(near.connection->report().lost_packets, 0U);
}

/// What may wait until what comes before it arrives is bounded for all streams together; what was delivered,
/// or thrown away with its stream, does not count.
TEST_F(QuicStreamTest, CarriesMoreThanMayWaitUndelivered) {
  connect();
  const std::string text = telling(20 << 20, 1);
  const QuicStreamId id = near.open(text, true);
  ASSERT_TRUE(run([&] { return far().ended.contains(id); }, 600s));
  EXPECT_TRUE(far().received[id] == text);
}

TEST_F(QuicStreamTest, CarriesOnAfterMuchThatNobodyWanted) {
  settings.stream_window = 1 << 20;
  connect();
  far().grants = false;
  const std::string text = telling(1 << 20, 1);
  for (int i = 0; i < 40; ++i) {
    const QuicStreamId id = near.open(text, false);
    ASSERT_TRUE(run([&] { return far().received[id].size() > text.size() / 2; }, 60s)) << i;
    far().connection->reset_stream(id, 7);
    far().connection->flush_soon();
    ASSERT_TRUE(run([&] { return near.closed_streams.contains(id) || near.resets.contains(id); }, 60s)) << i;
  }
  const QuicStreamId last = near.open("the last", true);
  ASSERT_TRUE(run([&] { return far().ended.contains(last); }, 60s));
  EXPECT_EQ(far().received[last], "the last");
}

TEST_F(QuicStreamTest, GoesOnWhenTheSystemHadNoRoom) {
  connect();
  const std::string text = telling(3000000, 1);
  const QuicStreamId id = near.open(text, true);
  for (int i = 0; i < 30; ++i) {
    internet.faults().fail(3);
    clock.run_for(20ms);
  }
  ASSERT_TRUE(run([&] { return far().ended.contains(id); }));
  EXPECT_TRUE(far().received[id] == text);
}

TEST_F(QuicStreamTest, ServesManyConnectionsOnOneSocket) {
  serve();
  acceptor.echoes = true;
  std::vector<std::unique_ptr<QuicPeer>> peers;
  for (int i = 0; i < 100; ++i) {
    peers.push_back(std::make_unique<QuicPeer>());
    QuicPeer& peer = *peers.back();
    dial(peer, *edge_tls);
    peer.then_established = [&peer, i] { peer.open(telling(50000, static_cast<std::uint64_t>(i)), true); };
  }
  ASSERT_TRUE(run([&] {
    return std::all_of(peers.begin(), peers.end(), [](const auto& each) { return each->ended.contains(0); });
  }));
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(peers[static_cast<std::size_t>(i)]->received[0] ==
                telling(50000, static_cast<std::uint64_t>(i)));
}

TEST_F(QuicStreamTest, EndsOneDirectionAlone) {
  connect();
  const QuicStreamId id = near.open("question", true);
  ASSERT_TRUE(run([&] { return far().ended.contains(id); }));
  far().send(id, "a long answer", false);
  clock.run_for(3s);
  EXPECT_EQ(near.received[id], "a long answer");
  EXPECT_FALSE(near.ended.contains(id));
  far().send(id, ".", true);
  ASSERT_TRUE(run([&] { return near.closed_streams.contains(id) && far().closed_streams.contains(id); }));
  EXPECT_EQ(near.received[id], "a long answer.");
}

TEST_F(QuicStreamTest, OpensStreamsFromTheServerToo) {
  connect();
  const QuicStreamId id = far().open("from the server", true);
  EXPECT_EQ(id, 1);
  ASSERT_TRUE(run([&] { return near.ended.contains(id); }));
  EXPECT_EQ(near.received[id], "from the server");
}

TEST_F(QuicStreamTest, ResetsBothDirectionsWithTheCode) {
  connect();
  const QuicStreamId id = near.open("begun", false);
  ASSERT_TRUE(run([&] { return far().received[id] == "begun"; }));
  far().send(id, "answered", false);
  near.connection->reset_stream(id, 77);
  EXPECT_EQ(near.connection->buffer(id), nullptr);
  EXPECT_FALSE(near.closed_streams.contains(id)) << "told from within a call";
  ASSERT_TRUE(run([&] { return far().closed_streams.contains(id) && near.closed_streams.contains(id); }));
  EXPECT_EQ(far().resets[id], 77U);
  EXPECT_TRUE(near.resets.empty());
}

TEST_F(QuicStreamTest, ResetsFromWithinWhatIsTold) {
  connect();
  far().then_data = [&](QuicStreamId id) { far().connection->reset_stream(id, 5); };
  const QuicStreamId id = near.open(telling(100000, 1), true);
  ASSERT_TRUE(run([&] { return near.closed_streams.contains(id) && far().closed_streams.contains(id); }));
  EXPECT_EQ(near.resets[id], 5U);
}

TEST_F(QuicStreamTest, StopsAtTheWindowAndGoesOnWithCredit) {
  connect();
  far().grants = false;
  const std::string text = telling(40000, 1);
  const QuicStreamId id = near.open(text, true);
  EXPECT_EQ(near.connection->stream_credit(id), settings.stream_window);
  clock.run_for(5s);
  EXPECT_EQ(far().received[id].size(), settings.stream_window);
  EXPECT_EQ(near.connection->stream_credit(id), 0U);
  EXPECT_GT(near.blocks, 0);
  EXPECT_EQ(near.credits, 0);
  far().connection->grant(id, 30000);
  ASSERT_TRUE(run([&] { return far().ended.contains(id); }));
  EXPECT_EQ(far().received[id], text);
  EXPECT_EQ(near.credits, 1);
}

TEST_F(QuicStreamTest, OneBlockedStreamKeepsNoOtherBack) {
  connect();
  far().grants = false;
  near.open(telling(100000, 1), true);
  clock.run_for(1s);
  const QuicStreamId id = near.open("passes", true);
  ASSERT_TRUE(run([&] { return far().ended.contains(id); }, 1s));
}

TEST_F(QuicStreamTest, HasALimitOfStreams) {
  settings.streams = 3;
  connect();
  for (int i = 0; i < 3; ++i) near.open("x", false);
  const auto beyond = near.connection->open_stream();
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, Errc::kLimit);
}

TEST_F(QuicStreamTest, HasALimitOfItsOwnUntilMoreIsPermitted) {
  settings.streams = 3;
  settings.first_streams = 1;
  connect();
  near.open("who I am", false);
  clock.run_for(1s);
  ASSERT_FALSE(near.connection->open_stream());
  far().connection->permit_streams();
  far().connection->permit_streams();  // which permits nothing more
  clock.run_for(1s);
  for (int i = 1; i < 3; ++i) near.open("x", false);
  EXPECT_FALSE(near.connection->open_stream());
}

TEST_F(QuicStreamTest, CarriesDatagrams) {
  connect();
  far().echoes = true;
  ASSERT_TRUE(run([&] { return near.connection->report().packet_size > 1400; }));
  const std::size_t room = near.connection->datagram_room();
  EXPECT_GT(room, 1350U);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100}, room})
    near.send_datagram(telling(size, size));
  ASSERT_TRUE(run([&] { return near.datagrams.size() == 4; }));
  EXPECT_EQ(near.datagrams[3], telling(room, room));
}

TEST_F(QuicStreamTest, PacksManySmallDatagramsIntoAPacket) {
  connect();
  const std::uint64_t before = near.connection->report().sent_packets;
  for (int i = 0; i < 100; ++i) near.send_datagram(telling(100, 1));
  ASSERT_TRUE(run([&] { return far().datagrams.size() == 100; }));
  EXPECT_LT(near.connection->report().sent_packets - before, 30U);
}

/// A datagram that fitted once may be too long for the path later: it must not stand in the way.
TEST_F(QuicStreamTest, LosesADatagramThatIsTooLongAndNothingElse) {
  connect();
  near.send_datagram(std::string(2000, 'x'));
  near.send_datagram("behind");
  ASSERT_TRUE(run([&] { return !far().datagrams.empty(); }));
  EXPECT_EQ(far().datagrams, std::vector<std::string>{"behind"});
}

TEST_F(QuicStreamTest, CountsLostPacketsOfDatagrams) {
  connect();
  internet.post().set_path({.delay = 10ms, .loss = 0.3});
  for (int i = 0; i < 200; ++i) near.send_datagram(telling(1000, 1));
  clock.run_for(10s);
  EXPECT_LT(far().datagrams.size(), 200U);
  EXPECT_GT(near.connection->report().lost_packets, 10U);
}

}  // namespace
}  // namespace penstock
