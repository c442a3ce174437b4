// How QUIC connections begin, and whom they trust.
#include <algorithm>

#include "quic/quic_session.h"
#include "unit/quic/quic_world.h"

namespace penstock {
namespace {

class QuicHandshakeTest : public QuicWorld {};

TEST_F(QuicHandshakeTest, EstablishesBothEnds) {
  connect();
  EXPECT_FALSE(near.connection->is_server());
  EXPECT_TRUE(far().connection->is_server());
  EXPECT_EQ(near.connection->cipher(), "AES-128-GCM");
  EXPECT_EQ(far().connection->peer().address, client_address);
  EXPECT_EQ(near.connection->peer(), (Endpoint{server_address, kPort}));
  EXPECT_EQ(server->report().accepted, 1U);
  ASSERT_TRUE(run([&] { return far().connection->report().packet_size > 1400; }));
  EXPECT_GE(near.connection->report().rtt, 20ms);
  EXPECT_LT(near.connection->report().rtt, 50ms);
  EXPECT_FALSE(near.connection->report().resumed);
}

TEST_F(QuicHandshakeTest, SurvivesABadPath) {
  internet.post().set_path({.delay = 30ms, .loss = 0.2, .duplication = 0.1, .reordering = 0.2, .held = 50ms});
  connect();
}

TEST_F(QuicHandshakeTest, RefusesAnotherKeyThanThePinnedOne) {
  serve();
  PublicKeyHash other = test_pin();
  other[31] ^= std::byte{1};
  const auto tls = QuicTls::client_pinned({other}).value();
  dial(near, *tls);
  ASSERT_TRUE(run([&] { return near.closed; }));
  EXPECT_FALSE(near.established);
  EXPECT_EQ(near.why.code, Errc::kRefused) << near.why.what;
  EXPECT_NE(near.why.what.find(not_pinned(test_pin())), std::string::npos) << near.why.what;
  ASSERT_TRUE(run([&] { return far().closed; }));
  EXPECT_FALSE(far().established);
  EXPECT_EQ(far().why.code, Errc::kProtocol) << far().why.what;
}

TEST_F(QuicHandshakeTest, RefusesAPeerOfAnotherProtocol) {
  serve();
  const auto tls = QuicTls::client_unverified().value();
  QuicSession::set_protocol(*tls, "penstock/0");
  dial(near, *tls);
  ASSERT_TRUE(run([&] { return near.closed; }));
  EXPECT_EQ(near.why.code, Errc::kProtocol) << near.why.what;
  EXPECT_TRUE(far().closed);
  EXPECT_FALSE(near.established || far().established);
}

TEST_F(QuicHandshakeTest, DialsAlsoByANameThatTlsCannotTell) {
  serve();
  for (const std::string name : {"", "10.0.0.1", "::1", "-..", "\xff\xfe"}) {
    QuicPeer peer;
    dial(peer, *edge_tls, name);
    ASSERT_TRUE(run([&] { return peer.established; })) << name;
  }
}

TEST_F(QuicHandshakeTest, AcceptsAnyOfSeveralPins) {
  serve();
  PublicKeyHash other = test_pin();
  other[0] ^= std::byte{1};
  const auto tls = QuicTls::client_pinned({other, test_pin()}).value();
  dial(near, *tls, "");
  ASSERT_TRUE(run([&] { return near.established; }));
}

TEST_F(QuicHandshakeTest, ChecksTheNameUnderACa) {
  serve();
  const auto tls = QuicTls::client_ca(test_certificate().certificate_pem).value();
  dial(near, *tls, "hub.test");
  ASSERT_TRUE(run([&] { return near.established; }));
  QuicPeer other;
  dial(other, *tls, "else.test");
  ASSERT_TRUE(run([&] { return other.closed; }));
  EXPECT_EQ(other.why.code, Errc::kRefused) << other.why.what;
  EXPECT_NE(other.why.what.find("name in the certificate"), std::string::npos) << other.why.what;
}

/// The name is part of what was trusted: a ticket got under one name is not used for another.
TEST_F(QuicHandshakeTest, ChecksAnotherNameAlsoWhereItHasATicket) {
  serve();
  const auto tls = QuicTls::client_ca(test_certificate().certificate_pem).value();
  dial(near, *tls, "hub.test");
  ASSERT_TRUE(run([&] { return near.established; }));
  clock.run_for(1s);
  QuicPeer other;
  dial(other, *tls, "else.test");
  ASSERT_TRUE(run([&] { return other.closed; }));
  EXPECT_FALSE(other.established);
}

TEST_F(QuicHandshakeTest, RefusesAnotherCa) {
  serve();
  const auto tls = QuicTls::client_ca(make_certificate("hub.test").value().certificate_pem).value();
  dial(near, *tls);
  ASSERT_TRUE(run([&] { return near.closed; }));
  EXPECT_EQ(near.why.code, Errc::kRefused) << near.why.what;
}

TEST_F(QuicHandshakeTest, AcceptsEverybodyWhenToldTo) {
  serve();
  const auto tls = QuicTls::client_unverified().value();
  dial(near, *tls);
  ASSERT_TRUE(run([&] { return near.established; }));
}

TEST_F(QuicHandshakeTest, ResumesUnderTheSamePins) {
  connect();
  clock.run_for(1s);  // the ticket comes behind
  QuicPeer again;
  dial(again, *edge_tls);
  ASSERT_TRUE(run([&] { return again.established; }));
  EXPECT_TRUE(again.connection->report().resumed);
  EXPECT_TRUE(run([&] { return far().established; }));
  EXPECT_TRUE(far().connection->report().resumed);
  again.connection.reset();
}

TEST_F(QuicHandshakeTest, ResumesAfterTheServerBeganAgain) {
  connect();
  clock.run_for(1s);
  near.connection.reset();
  clock.run_for(5s);
  restart();
  QuicPeer again;
  dial(again, *edge_tls);
  ASSERT_TRUE(run([&] { return again.established; }));
  EXPECT_TRUE(again.connection->report().resumed);
  again.connection.reset();
}

TEST_F(QuicHandshakeTest, UsesNoTicketOfAnotherTrust) {
  connect();
  clock.run_for(1s);
  PublicKeyHash other = test_pin();
  other[5] ^= std::byte{1};
  const auto tls = QuicTls::client_pinned({other}).value();
  QuicPeer again;
  dial(again, *tls);
  ASSERT_TRUE(run([&] { return again.closed; }));
  EXPECT_EQ(again.why.code, Errc::kRefused);
}

TEST_F(QuicHandshakeTest, TellsWhenNobodyAnswers) {
  dial(near, *edge_tls);
  const Time begin = clock.now();
  ASSERT_TRUE(run([&] { return near.closed; }));
  EXPECT_EQ(near.why.code, Errc::kUnavailable);
  EXPECT_GE(clock.now() - begin, settings.handshake);
  EXPECT_LT(clock.now() - begin, settings.handshake + 1s);
}

TEST_F(QuicHandshakeTest, RefusesKeysThatDoNotBelongTogether) {
  const auto other = make_certificate("hub.test").value();
  EXPECT_FALSE(QuicTls::server(test_certificate().certificate_pem, other.key_pem, {}));
  EXPECT_FALSE(QuicTls::server("", "", {}));
  EXPECT_FALSE(QuicTls::client_ca("no PEM"));
}

}  // namespace
}  // namespace penstock
