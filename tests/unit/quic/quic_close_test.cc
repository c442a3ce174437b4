// How QUIC connections end.
#include "unit/quic/quic_world.h"

namespace penstock {
namespace {

class QuicCloseTest : public QuicWorld {};

TEST_F(QuicCloseTest, TellsTheServerCodeAndText) {
  connect();
  near.connection->close(42, "that is enough");
  near.connection->close(43, "twice");
  ASSERT_TRUE(run([&] { return far().closed; }));
  EXPECT_EQ(far().code, 42U);
  EXPECT_EQ(far().why.code, Errc::kUnavailable);
  EXPECT_EQ(far().why.what, "that is enough");
  clock.run_for(5s);
  EXPECT_FALSE(near.closed);
  EXPECT_EQ(near.connection->buffer(0), nullptr);
  EXPECT_FALSE(near.connection->open_stream());
  EXPECT_EQ(near.connection->datagram_room(), 0U);
  EXPECT_GT(near.connection->report().sent_packets, 0U);
}

TEST_F(QuicCloseTest, TellsTheClient) {
  connect();
  far().connection.reset();
  ASSERT_TRUE(run([&] { return near.closed; }));
  EXPECT_EQ(near.code, 0U);
  EXPECT_EQ(near.why.code, Errc::kUnavailable);
}

/// The close itself may be lost: whoever goes on to send is told again.
TEST_F(QuicCloseTest, TellsAgainWhenTheCloseWasLost) {
  connect();
  internet.set_silent(server_address, true);
  near.connection->close(9, "");
  clock.run_for(1ms);
  internet.set_silent(server_address, false);
  far().open("still there?", false);
  ASSERT_TRUE(run([&] { return far().closed; }, 2s));
  EXPECT_EQ(far().code, 9U);
}

TEST_F(QuicCloseTest, EndsAfterSilence) {
  connect();
  clock.run_for(60s);  // kept alive
  EXPECT_FALSE(near.closed);
  internet.set_silent(server_address, true);
  internet.set_silent(client_address, true);
  const Time begin = clock.now();
  ASSERT_TRUE(run([&] { return near.closed && far().closed; }, 120s));
  EXPECT_EQ(near.why.code, boost::system::errc::timed_out);
  EXPECT_LT(clock.now() - begin, 3 * settings.idle);
}

TEST_F(QuicCloseTest, MayBeDestroyedInWhateverIsTold) {
  serve();
  const auto go = [](QuicPeer& peer) { return [&peer] { peer.connection.reset(); }; };
  acceptor.then = [&](QuicPeer& peer) {
    switch (acceptor.peers.size()) {
      case 1:
        peer.then_established = go(peer);
        break;
      case 2:
        peer.then_data = [&peer](QuicStreamId) { peer.connection.reset(); };
        break;
      case 3:
        peer.then_datagram = go(peer);
        break;
      default:
        peer.then_closed = go(peer);
        break;
    }
    peer.grants = false;
  };
  for (int round = 0; round < 4; ++round) {
    QuicPeer peer;
    dial(peer, *edge_tls);
    if (round == 3) peer.then_closed = go(peer);
    ASSERT_TRUE(run([&] { return peer.established; }));
    if (round == 1) peer.open(telling(10000, 1), true);
    if (round == 2) {
      peer.send_datagram("one");
      peer.send_datagram("two");
    }
    if (round == 3) far().connection->close(1, "");
    ASSERT_TRUE(run([&] { return peer.closed; })) << round;
  }
}

TEST_F(QuicCloseTest, ForgetsTheServersConnectionAfterTheRefusalOfIt) {
  acceptor.refuses = true;
  serve();
  dial(near, *edge_tls);
  ASSERT_TRUE(run([&] { return near.closed; }, 5s));
  EXPECT_EQ(near.why.code, Errc::kUnavailable) << near.why.what;
}

TEST_F(QuicCloseTest, LearnsFromAServerThatBeganAgain) {
  connect();
  clock.run_for(1s);
  restart();
  near.open("are you there?", false);
  ASSERT_TRUE(run([&] { return near.closed; }, 5s));
  EXPECT_EQ(near.why.code, Errc::kUnavailable);
  EXPECT_GE(server->report().stateless_resets, 1U);
}

/// Two on one socket: the reset of one is not that of the other.
TEST_F(QuicCloseTest, TakesAResetForTheRightConnectionAlone) {
  connect();
  QuicPeer other;
  dial(other, *edge_tls);
  ASSERT_TRUE(run([&] { return other.established; }));
  clock.run_for(1s);
  restart();
  other.open("are you there?", false);
  ASSERT_TRUE(run([&] { return other.closed; }, 3s));
  EXPECT_FALSE(near.closed);
}

TEST_F(QuicCloseTest, BelievesNoResetOfAnotherSecret) {
  connect();
  clock.run_for(1s);
  internet.set_silent(client_address, true);
  acceptor.peers.clear();
  server.reset();
  internet.set_silent(client_address, false);
  const auto other = server_tls(std::byte{2});
  auto bound = server_network.bind_udp({server_address, kPort}, 1).value();
  server = QuicEndpoint::server(server_loop, server_network, std::move(bound.front()), settings, {}, *other,
                                acceptor);
  near.open("are you there?", false);
  clock.run_for(2s);
  EXPECT_GE(server->report().stateless_resets, 1U);
  EXPECT_FALSE(near.closed);
  server.reset();
}

TEST_F(QuicCloseTest, MayTakeItsEndpointWithIt) {
  for (int round = 0; round < 3; ++round) {
    connect();
    const auto go = [&] {
      near.connection.reset();
      client.reset();
    };
    near.then_data = [&](QuicStreamId) { go(); };
    near.then_datagram = go;
    near.then_closed = go;
    if (round == 0) far().open("data", true);
    if (round == 1) far().send_datagram("datagram");
    if (round == 2) far().connection->close(1, "");
    ASSERT_TRUE(run([&] { return client == nullptr; }));
    ASSERT_TRUE(round == 2 || run([&] { return far().closed; }, 1s)) << round;
    near.established = near.closed = false;
    clock.run_for(10s);
  }
}

TEST_F(QuicCloseTest, LeavesHandlesThatDoNothing) {
  connect();
  client.reset();
  near.connection->flush_soon();
  near.connection->close(1, "");
  EXPECT_EQ(near.connection->peer().port, kPort);
  EXPECT_FALSE(near.connection->open_stream());
}

TEST_F(QuicCloseTest, SaysGoodbyeThoughTheEndpointGoesAtOnce) {
  connect();
  near.connection.reset();
  client.reset();
  ASSERT_TRUE(run([&] { return far().closed; }, 1s));
}

}  // namespace
}  // namespace penstock
