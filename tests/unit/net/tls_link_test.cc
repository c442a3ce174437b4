#include "net/tls_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/certificate.h"
#include "support/sim_link.h"
#include "support/sim_loop.h"
#include "unit/net/loopback.h"

namespace penstock {
namespace {

using testing::HasSubstr;

/// One certificate for all tests: making keys is slow.
const KeyAndCertificate& hub_key() {
  static const KeyAndCertificate key = make_certificate("hub.test").value();
  return key;
}

std::unique_ptr<TlsContext> server_context() {
  return TlsContext::server(hub_key().certificate_pem, hub_key().key_pem).value();
}
PublicKeyHash right_pin() {
  return public_key_hash_of_pem(hub_key().certificate_pem).value();
}
PublicKeyHash wrong_pin() {
  PublicKeyHash pin = right_pin();
  pin[31] ^= std::byte{1};
  return pin;
}

/// Client and server over a simulated wire, in virtual time.
class TlsLinkTest : public testing::Test {
 protected:
  void connect(std::unique_ptr<TlsContext> client_trusts, const std::string& name, const SimPath& path = {}) {
    client_context = std::move(client_trusts);
    wire = std::make_shared<SimWire>(clock, faults, path, Endpoint{}, Endpoint{}, 1);
    for (const auto side : {SimWire::kDialler, SimWire::kListener}) wire->attach(side, loop, 0);
    client.emplace(std::make_unique<TlsLink>(plain(SimWire::kDialler), *client_context, name));
    server.emplace(std::make_unique<TlsLink>(plain(SimWire::kListener), *context, ""));
  }
  std::unique_ptr<Link> plain(SimWire::Side side) { return std::make_unique<SimLink>(wire, side); }
  /// Lets the client say something, and tells whether the server heard it.
  bool says() {
    client->write("secret");
    clock.run_for(10s);
    return server->received == "secret";
  }
  /// The client refused the server: it says why, and nothing that it wanted to say ever left.
  void expect_refused(const std::string& why) {
    EXPECT_FALSE(says());
    EXPECT_EQ(client->error, Errc::kRefused);
    EXPECT_THAT(client->description, HasSubstr("the hub is not trusted"));
    EXPECT_THAT(client->description, HasSubstr(why));
    EXPECT_EQ(server->received, "");
    EXPECT_TRUE(server->error);
    EXPECT_THAT(client->waiting, "secret");
  }

  SimClock clock;
  SimLoop loop{clock};
  SimFaults faults;
  std::shared_ptr<SimWire> wire;
  std::unique_ptr<TlsContext> context = server_context();
  std::unique_ptr<TlsContext> client_context;
  std::optional<Talker> client;
  std::optional<Talker> server;
};

TEST_F(TlsLinkTest, TrustsTheKeyThatIsPinnedWhateverTheName) {
  connect(TlsContext::client_pinned({wrong_pin(), right_pin()}).value(), "another.name");
  EXPECT_TRUE(says());
  EXPECT_EQ(client->link->cipher(), "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(server->link->cipher(), "TLS_AES_128_GCM_SHA256");
}

TEST_F(TlsLinkTest, SendsNothingToAnotherKey) {
  connect(TlsContext::client_pinned({wrong_pin()}).value(), "hub.test");
  expect_refused("its key " + to_base64url(right_pin()) + " is none of the pinned ones");
}

TEST_F(TlsLinkTest, SendsNothingWhenThereIsNoPinAtAll) {
  connect(TlsContext::client_pinned({}).value(), "hub.test");
  expect_refused("its key " + to_base64url(right_pin()) + " is none of the pinned ones");
}

TEST_F(TlsLinkTest, TrustsACertificateOfTheAuthorityWithTheRightName) {
  connect(TlsContext::client_ca(hub_key().certificate_pem).value(), "hub.test");
  EXPECT_TRUE(says());
}

TEST_F(TlsLinkTest, SendsNothingToAnotherName) {
  connect(TlsContext::client_ca(hub_key().certificate_pem).value(), "other.test");
  expect_refused("hostname mismatch");
}

TEST_F(TlsLinkTest, SendsNothingToAnAddressThatTheCertificateDoesNotName) {
  connect(TlsContext::client_ca(hub_key().certificate_pem).value(), "192.0.2.1");
  expect_refused("IP address mismatch");
}

TEST_F(TlsLinkTest, SendsNothingToACertificateOfAnotherAuthority) {
  connect(TlsContext::client_ca(make_certificate("hub.test").value().certificate_pem).value(), "hub.test");
  expect_refused("self-signed certificate");
}

TEST_F(TlsLinkTest, TrustsAnybodyOnlyWhenToldTo) {
  connect(TlsContext::client_unverified().value(), "whoever");
  EXPECT_TRUE(says());
}

/// A ticket is good for one connection, and leads to the next one.
TEST_F(TlsLinkTest, TakesUpAnEarlierConnectionOfTheSameTrust) {
  connect(TlsContext::client_pinned({right_pin()}).value(), "");
  ASSERT_TRUE(says());
  EXPECT_FALSE(client->link->resumed());
  for (int i = 0; i < 2; ++i) {
    connect(std::move(client_context), "");
    ASSERT_TRUE(says());
    EXPECT_TRUE(client->link->resumed());
    EXPECT_TRUE(server->link->resumed());
  }
  connect(TlsContext::client_pinned({right_pin()}).value(), "");
  ASSERT_TRUE(says());
  EXPECT_FALSE(client->link->resumed());
}

TEST_F(TlsLinkTest, RenewsTheKeysOfBothDirectionsBeforeTheyServedTooLong) {
  context->set_records_of_a_key(100);
  auto trusting = TlsContext::client_pinned({right_pin()}).value();
  trusting->set_records_of_a_key(7);
  connect(std::move(trusting), "hub.test");
  const std::string up(2'000'000, 'u');
  const std::string down(3'000'000, 'd');
  client->write(up);
  server->write(down);
  clock.run_for(60s);
  EXPECT_TRUE(server->received == up);
  EXPECT_TRUE(client->received == down);
  EXPECT_GT(client->link->key_updates(), up.size() / 16384 / 8);
  EXPECT_GT(server->link->key_updates(), 0U);
  EXPECT_EQ(client->link->cipher(), "TLS_AES_128_GCM_SHA256");
}

TEST_F(TlsLinkTest, KeepsItsKeysUntilThen) {
  connect(TlsContext::client_pinned({right_pin()}).value(), "hub.test");
  EXPECT_TRUE(says());
  EXPECT_EQ(client->link->key_updates(), 0U);
}

TEST_F(TlsLinkTest, HasNoCipherBeforeTheHandshake) {
  connect(TlsContext::client_unverified().value(), "hub.test");
  EXPECT_EQ(client->link->cipher(), "");
}

TEST_F(TlsLinkTest, EndsOneDirectionAndGoesOnWithTheOther) {
  connect(TlsContext::client_pinned({right_pin()}).value(), "hub.test");
  client->write("question");
  client->finish_behind();
  clock.run_for(1s);
  EXPECT_EQ(server->received, "question");
  EXPECT_TRUE(server->ended);
  server->write("answer");
  server->finish_behind();
  clock.run_for(1s);
  EXPECT_EQ(client->received, "answer");
  EXPECT_TRUE(client->ended);
  EXPECT_FALSE(client->error);
}

TEST_F(TlsLinkTest, CallsAConnectionThatEndsWithoutNoticeBroken) {
  connect(TlsContext::client_pinned({right_pin()}).value(), "hub.test");
  client->write("half of what was to be sa");
  clock.run_for(1s);
  client.reset();  // closes the wire, with no word of TLS
  clock.run_for(1s);
  EXPECT_EQ(server->received, "half of what was to be sa");
  EXPECT_FALSE(server->ended);
  EXPECT_EQ(server->error, Errc::kUnavailable);
  EXPECT_EQ(server->description, "the connection ended without notice");
}

TEST_F(TlsLinkTest, HandsOnWhatBrokeTheConnectionBelow) {
  connect(TlsContext::client_pinned({right_pin()}).value(), "hub.test");
  ASSERT_TRUE(says());
  wire->cut();
  clock.run_for(1s);
  EXPECT_EQ(server->error, boost::system::errc::connection_reset);
  EXPECT_EQ(client->error, boost::system::errc::connection_reset);
}

TEST_F(TlsLinkTest, RefusesWhatIsNotTls) {
  for (const std::string& garbage :
       {std::string{"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"}, std::string(5000, '\0'), numbered(5000)}) {
    connect(TlsContext::client_unverified().value(), "hub.test");
    client.emplace(plain(SimWire::kDialler));
    wire = std::make_shared<SimWire>(clock, faults, SimPath{}, Endpoint{}, Endpoint{}, 1);
    for (const auto side : {SimWire::kDialler, SimWire::kListener}) wire->attach(side, loop, 0);
    Talker stranger{plain(SimWire::kDialler)};
    server.emplace(std::make_unique<TlsLink>(plain(SimWire::kListener), *context, ""));
    stranger.write(garbage);
    clock.run_for(1s);
    EXPECT_EQ(server->error, Errc::kProtocol);
    EXPECT_NE(server->description, "");
    EXPECT_EQ(server->received, "");
  }
}

TEST_F(TlsLinkTest, NoticesASingleChangedBit) {
  connect(TlsContext::client_pinned({right_pin()}).value(), "hub.test");
  ASSERT_TRUE(says());
  // Behind the handshake, the test speaks for the client: a record whose tag cannot be right.
  SimLink forged{wire, SimWire::kDialler};
  const std::string record = std::string{"\x17\x03\x03\x00\x20", 5} + std::string(32, 'x');
  ASSERT_EQ(forged.write(as_bytes(record), false).bytes, record.size());
  clock.run_for(1s);
  EXPECT_EQ(server->error, Errc::kProtocol);
  EXPECT_THAT(server->description, HasSubstr("bad record mac"));
  EXPECT_EQ(server->received, "secret");
}

TEST_F(TlsLinkTest, RefusesOlderVersions) {
  const auto old = TlsContext::client_unverified().value();
  SSL_CTX_set_min_proto_version(old->native(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(old->native(), TLS1_2_VERSION);
  connect(TlsContext::client_unverified().value(), "hub.test");
  client.reset();
  wire = std::make_shared<SimWire>(clock, faults, SimPath{}, Endpoint{}, Endpoint{}, 1);
  for (const auto side : {SimWire::kDialler, SimWire::kListener}) wire->attach(side, loop, 0);
  client.emplace(std::make_unique<TlsLink>(plain(SimWire::kDialler), *old, "hub.test"));
  server.emplace(std::make_unique<TlsLink>(plain(SimWire::kListener), *context, ""));
  EXPECT_FALSE(says());
  EXPECT_EQ(server->error, Errc::kProtocol);
}

/// Both ways at once, in pieces of every kind, while the peer's reading is slower than our writing.
class TlsTransferTest : public TlsLinkTest, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(TlsTransferTest, CarriesEveryByteBothWays) {
  SimRandom random{GetParam()};
  connect(TlsContext::client_pinned({right_pin()}).value(), "hub.test",
          {.send_buffer = random.between(200, 40'000),
           .receive_buffer = random.between(200, 40'000),
           .pieces = random.between(1, 20'000),
           .stall_chance = 0.01,
           .stall = 1s});
  client->largest_read = random.between(1, 50'000);
  server->largest_read = random.between(1, 50'000);
  client->largest_write = random.between(1, 100'000);
  server->largest_write = random.between(1, 100'000);
  const std::string up = numbered(random.between(100'000, 800'000));
  const std::string down = numbered(random.between(100'000, 800'000));
  client->write(up);
  server->write(down);
  client->finish_behind();
  server->finish_behind();
  EXPECT_TRUE(clock.run_until([&] { return client->ended && server->ended; }, std::chrono::hours{100}))
      << client->error.message() << client->received.size() << " of " << down.size() << ", "
      << server->received.size() << " of " << up.size() << ", seed " << GetParam();
  EXPECT_TRUE(server->received == up) << "seed " << GetParam();
  EXPECT_TRUE(client->received == down) << "seed " << GetParam();
  EXPECT_FALSE(client->error);
  EXPECT_FALSE(server->error);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TlsTransferTest, testing::Range(std::uint64_t{1}, std::uint64_t{21}));

/// The same over real sockets.
TEST(TlsSocketTest, CarriesEveryByteBothWaysOverLoopback) {
  AsioLoop loop;
  LinkPair pair{loop};
  const auto server_side = server_context();
  const auto client_side = TlsContext::client_pinned({right_pin()}).value();
  Talker client{
      pair.network().secure(std::move(pair.near), {.unsent_limit = 16384}, *client_side, "hub.test")};
  Talker server{pair.network().secure(std::move(pair.far), {.unsent_limit = 16384}, *server_side, "")};
  const std::string up = numbered(8'000'000);
  const std::string down = numbered(5'000'000);
  client.largest_read = 5000;
  server.largest_write = 70'000;
  client.write(up);
  server.write(down);
  client.finish_behind();
  server.finish_behind();
  ASSERT_TRUE(run_until(loop, [&] { return client.ended && server.ended; }))
      << client.description << server.description;
  EXPECT_TRUE(server.received == up);
  EXPECT_TRUE(client.received == down);
}

/// Destroys its link as soon as it is told anything.
class Destroyer final : public LinkObserver {
 public:
  void on_readable() override { go(); }
  void on_writable() override { go(); }
  void on_broken(const boost::system::error_code&) override { go(); }
  void go() {
    link.reset();
    ++told;
  }
  std::unique_ptr<Link> link;
  int told = 0;
};

TEST_F(TlsLinkTest, MayBeDestroyedByWhomItTells) {
  connect(TlsContext::client_unverified().value(), "hub.test");
  Destroyer destroyer;
  destroyer.link = std::move(server->link);
  destroyer.link->observe(&destroyer);
  destroyer.link->await_readable();
  destroyer.link->await_writable();
  client->write("x");
  clock.run_for(1s);
  EXPECT_EQ(destroyer.told, 1);
}

}  // namespace
}  // namespace penstock
