// QUIC servers: whatever strangers send, nothing breaks, little is sent back, and all of it ends.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "fuzz/check.h"
#include "net/certificate.h"
#include "quic/quic_endpoint.h"
#include "support/sim_internet.h"
#include "support/sim_loop.h"
#include "support/sim_network.h"

namespace {

using namespace penstock;
using namespace std::chrono_literals;

constexpr std::size_t kDatagrams = 64;
const Endpoint kServer{IpAddress::v4(0x0a000001), 443};
const Endpoint kStranger{IpAddress::v4(0x0a000002), 1000};

/// Takes all connections, and wants nothing of them.
class Acceptor final : public QuicEndpointObserver, public QuicObserver {
 public:
  void on_connection(std::unique_ptr<QuicConnection> connection) override {
    connection->observe(this);
    connections.push_back(std::move(connection));
  }
  void on_established() override { check(false, "no stranger completes a handshake by chance"); }
  void on_stream_data(QuicStreamId, Bytes, bool) override { check(false, "no data without a handshake"); }
  void on_stream_reset(QuicStreamId, std::uint64_t) override {}
  void on_stream_credit(QuicStreamId) override {}
  void on_stream_acknowledged(QuicStreamId, std::size_t) override {}
  void on_stream_closed(QuicStreamId) override {}
  void on_datagram(Bytes) override { check(false, "no datagram without a handshake"); }
  void on_turn_end() override {}
  void fill(QuicPacket&) override {}
  void on_quic_closed(const Error&, std::uint64_t) override { ++closed; }

  std::vector<std::unique_ptr<QuicConnection>> connections;
  std::size_t closed = 0;
};

class Stranger final : public UdpObserver {
 public:
  explicit Stranger(Network& network)
      : socket_{network.attach(std::move(network.bind_udp(kStranger, 1).value().front()), *this)} {}
  void send(const std::string& payload) {
    const OutgoingDatagram datagram{.peer = kServer, .local = {}, .header = {}, .payload = as_bytes(payload)};
    socket_->send({&datagram, 1});
    sent += payload.size();
  }
  void on_datagrams(std::span<const ReceivedDatagram> told) override {
    for (const ReceivedDatagram& each : told) received += each.payload.size();
  }
  void on_overrun(std::uint64_t) override {}

  std::size_t sent = 0;
  std::size_t received = 0;

 private:
  std::unique_ptr<UdpSocket> socket_;
};

QuicTls& server_tls() {
  static const auto made = [] {
    const auto certificate = make_certificate("hub.test").value();
    return QuicTls::server(certificate.certificate_pem, certificate.key_pem, {}).value();
  }();
  return *made;
}

/// Datagrams are a length in two bytes and so many bytes; one that is 0xff.. long is filled up to a first
/// packet of a client, which must have 1200 bytes.
void send_all(Stranger& stranger, SimClock& clock, Bytes input) {
  for (std::size_t i = 0; i < kDatagrams && input.size() >= 2; ++i) {
    const std::size_t size = load_u16(input.data());
    input = input.subspan(2);
    const Bytes own = input.first(std::min(size % 1500, input.size()));
    input = input.subspan(own.size());
    std::string payload{as_text(own)};
    if (size >= 0x8000) payload.resize(1200);
    stranger.send(payload);
    if (size % 2 == 0) clock.run_for(10ms);
  }
}

void strangers(Bytes input) {
  SimClock clock;
  SimInternet internet{clock, 1};
  SimLoop loop{clock};
  SimNetwork here{internet, loop, {kServer.address}};
  SimNetwork there{internet, loop, {kStranger.address}};
  Acceptor acceptor;
  const auto server = QuicEndpoint::server(loop, here, std::move(here.bind_udp(kServer, 1).value().front()),
                                           {}, {.connections = 16, .handshakes = 8}, server_tls(), acceptor);
  Stranger stranger{there};
  send_all(stranger, clock, input);
  clock.run_for(60s);
  check(stranger.received <= 3 * stranger.sent, "no more than three times of what came is sent back");
  check(acceptor.closed == acceptor.connections.size(), "what strangers begin ends by itself");
  check(acceptor.connections.size() <= kDatagrams, "a connection needs a packet");
  acceptor.connections.clear();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strangers({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
