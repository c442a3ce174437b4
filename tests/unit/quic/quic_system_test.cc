// QUIC over real sockets on the loopback interface.
#include "unit/net/loopback.h"
#include "unit/quic/quic_world.h"

namespace penstock {
namespace {

class QuicSystemTest : public testing::Test {
 protected:
  static std::unique_ptr<QuicTls> server_tls() {
    return QuicTls::server(test_certificate().certificate_pem, test_certificate().key_pem, {}).value();
  }
  std::unique_ptr<BoundUdp> bind() { return std::move(network.bind_udp(loopback(0), 1).value().front()); }

  AsioLoop loop;
  AsioNetwork network{loop};
  QuicSettings settings;
  const std::unique_ptr<QuicTls> hub_tls = server_tls();
  const std::unique_ptr<QuicTls> edge_tls = QuicTls::client_pinned({test_pin()}).value();
  QuicAcceptor acceptor;
};

TEST_F(QuicSystemTest, CarriesMuchBothWays) {
  auto bound = bind();
  const Endpoint there = bound->local;
  settings.stream_window = 1 << 20;
  const auto server = QuicEndpoint::server(loop, network, std::move(bound), settings, {}, *hub_tls, acceptor);
  const auto client = QuicEndpoint::client(loop, network, bind(), settings);
  QuicPeer near;
  near.connection = client->dial(there, 0, *edge_tls, "hub.test", near);
  ASSERT_TRUE(run_until(loop, [&] { return near.established; }));
  acceptor.peers.back()->echoes = true;
  const std::string text = telling(20000000, 1);
  const QuicStreamId id = near.open(text, true);
  for (int i = 0; i < 100; ++i) near.send_datagram(telling(1000, 1));
  ASSERT_TRUE(run_until(
      loop, [&] { return near.ended.contains(id); }, 60s));
  EXPECT_TRUE(near.received[id] == text);
  EXPECT_GT(near.datagrams.size(), 0U);
  near.connection.reset();
  acceptor.peers.clear();
}

}  // namespace
}  // namespace penstock
