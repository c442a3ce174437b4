// Clients whose address changes under way, as behind a NAT.
#include "unit/quic/quic_world.h"

namespace penstock {
namespace {

/// A NAT between clients and server: the clients speak to its inner socket, and the server sees its outer
/// one, which can become another.
class Nat {
 public:
  Nat(Network& network, const Endpoint& inner, const Endpoint& server)
      : network_{network}, server_{server}, in_{*this}, out_{*this} {
    inner_ = attach(inner, in_);
    rebind();
  }
  void rebind() {
    outer_.reset();
    outer_ = attach({inner_->local().address, 0}, out_);
  }
  Endpoint outer() const { return outer_->local(); }
  std::vector<std::string> to_server;

 private:
  struct Side final : UdpObserver {
    explicit Side(Nat& nat) : owner{nat} {}
    void on_datagrams(std::span<const ReceivedDatagram> told) override {
      for (const ReceivedDatagram& each : told) owner.pass(*this, each);
    }
    void on_overrun(std::uint64_t /*datagrams*/) override {}
    Nat& owner;
  };
  std::unique_ptr<UdpSocket> attach(const Endpoint& on, Side& side) {
    return network_.attach(std::move(network_.bind_udp(on, 1).value().front()), side);
  }
  void pass(const Side& side, const ReceivedDatagram& datagram) {
    const bool outwards = &side == &in_;
    if (outwards) client_ = datagram.peer;
    if (outwards) to_server.emplace_back(as_text(datagram.payload));
    const OutgoingDatagram on{
        .peer = outwards ? server_ : client_, .local = {}, .header = {}, .payload = datagram.payload};
    (outwards ? outer_ : inner_)->send({&on, 1});
  }

  Network& network_;
  const Endpoint server_;
  Endpoint client_;
  Side in_;
  Side out_;
  std::unique_ptr<UdpSocket> inner_;
  std::unique_ptr<UdpSocket> outer_;
};

class QuicMigrationTest : public QuicWorld {
 protected:
  void connect_through_nat(const QuicLimits& limits = {}) {
    serve(limits);
    client = make_client();
    near.connection = client->dial({nat_address, 5000}, 0, *edge_tls, "hub.test", near);
    ASSERT_TRUE(run([&] { return near.established && far().established; }));
    clock.run_for(1s);
  }

  const IpAddress nat_address = IpAddress::v4(0x0a000003);
  SimLoop nat_loop{clock};
  SimNetwork nat_network{internet, nat_loop, {nat_address}};
  Nat nat{nat_network, {nat_address, 5000}, {server_address, kPort}};
};

TEST_F(QuicMigrationTest, KeepsItsStreamsWhenTheAddressChanges) {
  connect_through_nat();
  far().echoes = true;
  const std::string text = telling(2000000, 1);
  const QuicStreamId id = near.open(text, true);
  ASSERT_TRUE(run([&] { return near.received[id].size() > 300000; }));
  const Endpoint before = far().connection->peer();
  nat.rebind();
  ASSERT_TRUE(run([&] { return near.ended.contains(id); }, 120s));
  EXPECT_TRUE(near.received[id] == text);
  EXPECT_NE(far().connection->peer(), before);
  EXPECT_EQ(far().connection->peer(), nat.outer());
  EXPECT_TRUE(run([&] { return far().connection->report().migrations == 1; }));
  EXPECT_FALSE(near.closed);
}

TEST_F(QuicMigrationTest, FollowsASilentClientByItsKeepAlive) {
  connect_through_nat();
  nat.rebind();
  ASSERT_TRUE(run([&] { return far().connection->peer() == nat.outer(); }, 2 * settings.keep_alive));
  far().send_datagram("found");
  ASSERT_TRUE(run([&] { return !near.datagrams.empty(); }));
}

/// All ids that the server gives out lead to its worker: a kernel can steer by their first byte.
TEST_F(QuicMigrationTest, AddressesTheWorkerByTheFirstByte) {
  connect_through_nat({.worker = 2, .workers = 3});
  nat.to_server.clear();
  for (int round = 0; round < 5; ++round) {
    nat.rebind();
    near.send_datagram("hello");
    clock.run_for(1s);
  }
  ASSERT_FALSE(nat.to_server.empty());
  for (const std::string& packet : nat.to_server) {
    ASSERT_EQ(packet[0] & 0x80, 0);
    ASSERT_EQ(static_cast<unsigned char>(packet[1]) % 3, 2);
  }
  EXPECT_GE(far().connection->report().migrations, 3U);
}

}  // namespace
}  // namespace penstock
