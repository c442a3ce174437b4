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

/// Keeps the bits of ECN of all that comes.
struct EcnReceiver final : UdpObserver {
  void on_datagrams(std::span<const ReceivedDatagram> datagrams) override {
    for (const ReceivedDatagram& each : datagrams) bits.push_back(each.ecn);
  }
  void on_overrun(std::uint64_t /*datagrams*/) override {}
  std::vector<int> bits;
};

TEST_F(QuicSystemTest, TheBitsOfEcnAreSentAndRead) {
  for (const IpAddress& here : {IpAddress::v4(0x7f000001), IpAddress::parse("::1").value()}) {
    EcnReceiver receiver;
    const auto into = network.attach(std::move(network.bind_quic({here, 0}, 1).value().front()), receiver);
    EcnReceiver sender;
    const auto from = network.attach(std::move(network.bind_quic({here, 0}, 1).value().front()), sender);
    std::vector<OutgoingDatagram> batch;
    for (std::uint8_t ecn = 0; ecn < 4; ++ecn)
      batch.push_back(
          {.peer = into->local(), .local = here, .header = {}, .payload = as_bytes("bits"), .ecn = ecn});
    ASSERT_EQ(from->send(batch).sent, 4U);
    ASSERT_TRUE(run_until(loop, [&] { return receiver.bits.size() == 4; }));
    EXPECT_EQ(receiver.bits, (std::vector<int>{0, 1, 2, 3}));
  }
}

}  // namespace
}  // namespace penstock
