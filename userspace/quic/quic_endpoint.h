// QUIC connections over one UDP socket.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/loop.h"
#include "net/network.h"
#include "net/udp_socket.h"
#include "quic/quic_connection.h"
#include "quic/quic_tls.h"

namespace penstock {

enum class QuicCongestion { kBbr, kCubic, kReno };

struct QuicSettings {
  Duration handshake = std::chrono::seconds{10};
  Duration idle = std::chrono::seconds{15};       // silence that ends a connection
  Duration keep_alive = std::chrono::seconds{5};  // silence after which the peer is asked
  std::uint64_t streams = 1024;                   // that the peer may have open at once
  std::uint64_t first_streams = 1024;   // of those, before QuicConnection::permit_streams(); a server's
  std::uint64_t stream_window = 16384;  // bytes that the peer may send on a new stream before grant()
  QuicCongestion congestion = QuicCongestion::kBbr;
  Duration rekey = std::chrono::hours{1};  // age at which a client renews the keys of both directions
};

/// Bounds of a server, of each endpoint. From half of either number of handshakes on, who begins another must
/// have proved by a token that the address is its own: addresses of others take nobody's place.
struct QuicLimits {
  std::size_t connections = 4096;
  std::size_t handshakes = 256;             // unfinished at once
  std::size_t handshakes_per_source = 256;  // of those, of one source
  int source_prefix_v4 = 32;                // bits of an address that make a source
  int source_prefix_v6 = 64;
  unsigned worker = 0;  // connection ids that we give out have a first byte = worker modulo workers
  unsigned workers = 1;
};

/// Counters of an endpoint since it was made.
struct QuicEndpointReport {
  std::uint64_t accepted = 0;
  std::uint64_t retries = 0;           // Retry packets sent
  std::uint64_t stateless_resets = 0;  // sent
  std::uint64_t refused = 0;           // Initials beyond the limits
  std::uint64_t ignored = 0;           // packets that no connection has, and that could not be answered
};

/// One of these counters, by the name that users see.
struct QuicEndpointCount {
  std::string_view name;
  std::uint64_t QuicEndpointReport::*value;

  std::uint64_t total(std::span<const QuicEndpointReport> reports) const {
    std::uint64_t sum = 0;
    for (const QuicEndpointReport& report : reports) sum += report.*value;
    return sum;
  }
};

inline constexpr std::array kQuicEndpointCounts{
    QuicEndpointCount{"accepted", &QuicEndpointReport::accepted},
    QuicEndpointCount{"retries", &QuicEndpointReport::retries},
    QuicEndpointCount{"refused", &QuicEndpointReport::refused},
    QuicEndpointCount{"stateless_resets", &QuicEndpointReport::stateless_resets},
    QuicEndpointCount{"ignored", &QuicEndpointReport::ignored},
};

class QuicEndpointObserver {
 public:
  /// Server: somebody whose handshake has begun; on_established() of the connection follows when it is
  /// complete. Set its observer before this returns; destroying it refuses the peer.
  virtual void on_connection(std::unique_ptr<QuicConnection> connection) = 0;

 protected:
  ~QuicEndpointObserver() = default;
};

/// One thread, its loop's. Reads its socket in batches, and writes all connections that have something to
/// send in one batch behind each. May be destroyed in anything that it or its connections tell but fill();
/// handles that outlive it do nothing any more.
class QuicEndpoint {
 public:
  /// A client's: only dial() makes connections.
  static std::unique_ptr<QuicEndpoint> client(Loop& loop, Network& network, std::unique_ptr<BoundUdp> socket,
                                              const QuicSettings& settings);
  /// A server's. `tls` and `observer` outlive it.
  static std::unique_ptr<QuicEndpoint> server(Loop& loop, Network& network, std::unique_ptr<BoundUdp> socket,
                                              const QuicSettings& settings, const QuicLimits& limits,
                                              QuicTls& tls, QuicEndpointObserver& observer);
  virtual ~QuicEndpoint() = default;

  /// `steer`: the first byte of the connection id that the server is addressed by at first; servers choose
  /// the worker by it. All connections of one socket to one server must choose the same worker, since
  /// packets of one socket may be joined on their way. `tls` outlives the connection.
  virtual std::unique_ptr<QuicConnection> dial(const Endpoint& to, std::uint8_t steer, QuicTls& tls,
                                               const std::string& server_name, QuicObserver& observer) = 0;
  /// A server's, from the next packet on; only the numbers of handshakes may differ from before.
  virtual void set_limits(const QuicLimits& limits) = 0;
  /// Takes no new connections from now on.
  virtual void stop_accepting() = 0;
  virtual QuicEndpointReport report() const = 0;
};

}  // namespace penstock
