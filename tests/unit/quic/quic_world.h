// A QUIC server and its clients in a simulated internet, in virtual time.
#pragma once

#include "net/certificate.h"
#include "support/sim_internet.h"
#include "support/sim_loop.h"
#include "support/sim_network.h"
#include "unit/quic/quic_peer.h"

namespace penstock {

using namespace std::chrono_literals;

inline const KeyAndCertificate& test_certificate() {
  static const KeyAndCertificate made = make_certificate("hub.test").value();
  return made;
}
inline PublicKeyHash test_pin() {
  return public_key_hash_of_pem(test_certificate().certificate_pem).value();
}

class QuicWorld : public testing::Test {
 protected:
  static constexpr std::uint16_t kPort = 8443;

  QuicWorld() { internet.post().set_path({.delay = 10ms}); }

  static std::unique_ptr<QuicTls> server_tls(std::byte secret = std::byte{1}) {
    QuicSecret bytes{};
    bytes.fill(secret);
    return QuicTls::server(test_certificate().certificate_pem, test_certificate().key_pem, bytes).value();
  }

  void serve(const QuicLimits& limits = {}) {
    auto bound = server_network.bind_udp({server_address, kPort}, 1).value();
    server = QuicEndpoint::server(server_loop, server_network, std::move(bound.front()), settings, limits,
                                  *hub_tls, acceptor);
  }
  /// The server's process ends, without a word, and another begins.
  void restart() {
    internet.set_silent(client_address, true);
    acceptor.peers.clear();
    server.reset();
    internet.set_silent(client_address, false);
    serve();
  }
  std::unique_ptr<QuicEndpoint> make_client() {
    auto bound = client_network.bind_udp({client_address, 0}, 1).value();
    return QuicEndpoint::client(client_loop, client_network, std::move(bound.front()), settings);
  }
  /// The client dials; it need not succeed.
  void dial(QuicPeer& peer, QuicTls& tls, const std::string& name = "hub.test") {
    if (client == nullptr) client = make_client();
    peer.connection = client->dial({server_address, kPort}, 0, tls, name, peer);
    ASSERT_NE(peer.connection, nullptr);
  }
  bool run(const std::function<bool()>& condition, Duration limit = 30s) {
    return clock.run_until(condition, limit);
  }
  /// The one connection of most tests.
  void connect() {
    if (server == nullptr) serve();
    dial(near, *edge_tls);
    ASSERT_TRUE(run([&] { return near.established && far().established; }));
  }
  QuicPeer& far() { return *acceptor.peers.back(); }

  SimClock clock;
  SimInternet internet{clock, 1};
  SimLoop server_loop{clock};
  SimLoop client_loop{clock};
  const IpAddress server_address = IpAddress::v4(0x0a000001);
  const IpAddress client_address = IpAddress::v4(0x0a000002);
  SimNetwork server_network{internet, server_loop, {server_address}};
  SimNetwork client_network{internet, client_loop, {client_address}};
  QuicSettings settings;
  const std::unique_ptr<QuicTls> hub_tls = server_tls();
  const std::unique_ptr<QuicTls> edge_tls = QuicTls::client_pinned({test_pin()}).value();
  QuicAcceptor acceptor;  // its peers go before the endpoints
  std::unique_ptr<QuicEndpoint> server;
  std::unique_ptr<QuicEndpoint> client;
  QuicPeer near;

  void TearDown() override {
    near.connection.reset();
    acceptor.peers.clear();
    client.reset();
    server.reset();
  }
};

/// Bytes that show any loss or exchange of places.
inline std::string telling(std::size_t size, std::uint64_t seed) {
  std::string out;
  out.reserve(size + 24);
  for (std::uint64_t i = seed; out.size() < size; ++i) out += std::to_string(i * 2654435761U) + ",";
  out.resize(size);
  return out;
}

}  // namespace penstock
