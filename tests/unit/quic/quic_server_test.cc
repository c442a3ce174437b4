// What a QUIC server does with strangers.
#include <algorithm>

#include "support/sim_random.h"
#include "unit/quic/quic_world.h"

namespace penstock {
namespace {

/// Keeps the datagrams that reach it.
class Stranger final : public UdpObserver {
 public:
  Stranger(Network& network, const Endpoint& on)
      : socket_{network.attach(std::move(network.bind_udp(on, 1).value().front()), *this)} {}
  void send(const Endpoint& to, const std::string& payload) {
    const OutgoingDatagram datagram{.peer = to, .local = {}, .header = {}, .payload = as_bytes(payload)};
    socket_->send({&datagram, 1});
  }
  void on_datagrams(std::span<const ReceivedDatagram> told) override {
    for (const ReceivedDatagram& each : told) received.emplace_back(as_text(each.payload));
  }
  void on_overrun(std::uint64_t /*datagrams*/) override {}

  std::vector<std::string> received;

 private:
  std::unique_ptr<UdpSocket> socket_;
};

class QuicServerTest : public QuicWorld {
 protected:
  Endpoint there() const { return {server_address, kPort}; }
  /// So many of a client that hears nothing.
  void leave_unfinished(int handshakes) {
    internet.set_silent(client_address, true);
    for (int i = 0; i < handshakes; ++i) {
      stuck.push_back(std::make_unique<QuicPeer>());
      dial(*stuck.back(), *edge_tls);
    }
    clock.run_for(100ms);
  }
  void expect_room_for_another_source() {
    SimNetwork network{internet, client_loop, {IpAddress::v4(0x0a000003)}};
    const auto endpoint = QuicEndpoint::client(
        client_loop, network, std::move(network.bind_udp({IpAddress::v4(0x0a000003), 0}, 1).value().front()),
        settings);
    const auto tls = QuicTls::client_pinned({test_pin()}).value();
    QuicPeer other;
    other.connection = endpoint->dial(there(), 0, *tls, "hub.test", other);
    EXPECT_TRUE(run([&] { return other.established; }, 1s));
  }

  std::vector<std::unique_ptr<QuicPeer>> stuck;
};

TEST_F(QuicServerTest, ValidatesAddressesWhenHalfOfTheHandshakesAreUnfinished) {
  serve({.handshakes = 4});
  leave_unfinished(3);
  EXPECT_EQ(server->report().accepted, 2U);
  EXPECT_GE(server->report().retries, 1U);
  internet.set_silent(client_address, false);
  ASSERT_TRUE(run([&] {
    return std::all_of(stuck.begin(), stuck.end(), [](const auto& each) { return each->established; });
  }));
  EXPECT_EQ(server->report().accepted, 3U);
  EXPECT_EQ(server->report().refused, 0U);
}

TEST_F(QuicServerTest, AsksNobodyWhoHasATokenFromBefore) {
  serve({.handshakes = 4});
  dial(near, *edge_tls);
  ASSERT_TRUE(run([&] { return near.established; }));
  clock.run_for(1s);
  internet.set_silent(client_address, true);
  const auto without = QuicTls::client_pinned({test_pin()}).value();
  for (int i = 0; i < 2; ++i) {
    stuck.push_back(std::make_unique<QuicPeer>());
    dial(*stuck.back(), *without);
  }
  clock.run_for(100ms);
  QuicPeer known;
  dial(known, *edge_tls);
  clock.run_for(100ms);
  EXPECT_EQ(server->report().retries, 0U);
  EXPECT_EQ(server->report().accepted, 4U);
}

/// Anybody can name it as the source of a first packet.
TEST_F(QuicServerTest, KeepsRoomForASourceThatOthersName) {
  serve({.handshakes_per_source = 4});
  leave_unfinished(6);
  EXPECT_EQ(server->report().accepted, 2U);
  EXPECT_GE(server->report().retries, 4U);
  EXPECT_EQ(server->report().refused, 0U);
  expect_room_for_another_source();
  internet.set_silent(client_address, false);
  dial(near, *edge_tls);
  EXPECT_TRUE(run([&] { return near.established; }, 1s));
}

/// Which has proved that the address is its own.
TEST_F(QuicServerTest, GivesASourceNoMoreThanItsShare) {
  serve({.handshakes = 10, .handshakes_per_source = 4});
  std::vector<std::unique_ptr<QuicTls>> known;  // each with a token for the next time
  for (int i = 0; i < 8; ++i) {
    known.push_back(QuicTls::client_pinned({test_pin()}).value());
    QuicPeer first;
    dial(first, *known.back());
    ASSERT_TRUE(run([&] { return first.established; }));
    clock.run_for(100ms);
  }
  internet.set_silent(client_address, true);
  for (const auto& each : known) {
    stuck.push_back(std::make_unique<QuicPeer>());
    dial(*stuck.back(), *each);
  }
  clock.run_for(100ms);
  EXPECT_EQ(server->report().accepted, known.size() + 4);
  EXPECT_EQ(server->report().refused, known.size() - 4);
  EXPECT_EQ(server->report().retries, 0U);
  expect_room_for_another_source();
}

TEST_F(QuicServerTest, FollowsNewLimits) {
  serve({.handshakes_per_source = 4});
  server->set_limits({.handshakes_per_source = 40});
  leave_unfinished(6);
  EXPECT_EQ(server->report().accepted, 6U);
  EXPECT_EQ(server->report().retries, 0U);
}

TEST_F(QuicServerTest, RefusesBeyondItsConnections) {
  serve({.connections = 1});
  dial(near, *edge_tls);
  ASSERT_TRUE(run([&] { return near.established; }));
  QuicPeer beyond;
  dial(beyond, *edge_tls);
  ASSERT_TRUE(run([&] { return beyond.closed; }, 5s));
  EXPECT_EQ(beyond.why.code, Errc::kUnavailable) << beyond.why.what;
  EXPECT_GE(server->report().refused, 1U);
  near.connection.reset();
  clock.run_for(1s);
  QuicPeer then;
  dial(then, *edge_tls);
  ASSERT_TRUE(run([&] { return then.established; }));
}

TEST_F(QuicServerTest, TakesNoMoreWhenItStops) {
  connect();
  server->stop_accepting();
  QuicPeer late;
  dial(late, *edge_tls);
  ASSERT_TRUE(run([&] { return late.closed; }, 5s));
  near.send_datagram("goes on");
  ASSERT_TRUE(run([&] { return !far().datagrams.empty(); }));
}

TEST_F(QuicServerTest, OffersItsVersionOfQuic) {
  serve();
  Stranger stranger{client_network, {client_address, 4000}};
  std::string packet(1200, '\0');
  packet[0] = static_cast<char>(0xc0);
  packet[1] = packet[2] = packet[3] = packet[4] = 0x1a;
  packet[5] = 8;
  packet[14] = 4;
  stranger.send(there(), packet.substr(0, 1199));
  clock.run_for(1s);
  EXPECT_TRUE(stranger.received.empty());
  stranger.send(there(), packet);
  clock.run_for(1s);
  ASSERT_EQ(stranger.received.size(), 1U);
  EXPECT_NE(stranger.received[0].find(std::string("\0\0\0\1", 4)), std::string::npos);
}

/// Resets are shorter than what they answer, so that two such servers do not talk for ever.
TEST_F(QuicServerTest, AnswersUnknownShortPacketsWithShorterOnes) {
  serve();
  Stranger stranger{client_network, {client_address, 4000}};
  for (std::size_t size = 1; size < 60; ++size) {
    stranger.received.clear();
    stranger.send(there(), std::string(size, 0x40));
    clock.run_for(1s);
    ASSERT_EQ(stranger.received.size(), size < 41 ? 0U : 1U) << size;
    for (const std::string& each : stranger.received) ASSERT_LT(each.size(), size);
  }
}

TEST_F(QuicServerTest, LimitsUnaskedAnswers) {
  serve();
  Stranger stranger{client_network, {client_address, 4000}};
  for (int i = 0; i < 1000; ++i) stranger.send(there(), std::string(100, 0x40));
  clock.run_for(500ms);
  EXPECT_LE(stranger.received.size(), 200U);
  EXPECT_GE(server->report().ignored, 800U);
}

TEST_F(QuicServerTest, SurvivesNoise) {
  connect();
  Stranger stranger{client_network, {client_address, 4000}};
  SimRandom random{3};
  for (int i = 0; i < 5000; ++i) {
    std::string noise(random.between(0, 1400), '\0');
    for (char& each : noise) each = static_cast<char>(random.between(0, 255));
    if (noise.size() > 6 && random.chance(0.5)) noise.replace(1, 5, std::string("\0\0\0\1\x8", 5));
    stranger.send(there(), noise);
    if (i % 100 == 0) clock.run_for(1ms);
  }
  clock.run_for(1s);
  acceptor.peers.front()->echoes = true;  // some of the noise became connections
  const QuicStreamId id = near.open("still here", true);
  ASSERT_TRUE(run([&] { return near.ended.contains(id); }));
}

}  // namespace
}  // namespace penstock
