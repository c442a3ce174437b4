// What a node needs of the network, so that whole nodes can also run over a simulated one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/time.h"
#include "net/link.h"
#include "net/udp_socket.h"

namespace penstock {

class TlsContext;

/// A TCP connection that belongs to no loop yet: it may be handed to another thread and becomes a Link there.
/// Destroying it closes it in order.
class Connection {
 public:
  virtual ~Connection() = default;
  Endpoint peer;
  Endpoint local;
  /// Makes the destructor reset the connection, so that the peer learns at once.
  virtual void refuse() = 0;
};

/// How a link of TCP behaves.
struct LinkOptions {
  Duration keepalive{};  // idle time before the first probe; 0: no probes
  Duration keepalive_interval{};
  int keepalive_probes = 0;        // unanswered ones until the peer counts as vanished
  std::uint32_t unsent_limit = 0;  // bytes unsent in the kernel (TCP_NOTSENT_LOWAT); 0: the kernel's own
};

/// Something under way; destroying it cancels it, and its callback is not called any more.
class Pending {
 public:
  virtual ~Pending() = default;
};

class ListenerObserver {
 public:
  virtual void on_connection(std::unique_ptr<Connection> connection) = 0;
  /// Accepting failed (mostly for want of descriptors); it goes on by itself a little later.
  virtual void on_accept_failed(const boost::system::error_code& error) = 0;

 protected:
  ~ListenerObserver() = default;
};

/// The network as one loop sees it; used on the loop's thread, calls back on it, never from within a call.
class Network {
 public:
  virtual ~Network() = default;
  virtual std::unique_ptr<Link> attach(std::unique_ptr<Connection> connection,
                                       const LinkOptions& options) = 0;
  /// The same with TLS over it: as server, or as client that asks for `server_name` (may be an address).
  virtual std::unique_ptr<Link> secure(std::unique_ptr<Connection> connection, const LinkOptions& options,
                                       TlsContext& context, const std::string& server_name) = 0;

  using Dialled = std::function<void(Result<std::unique_ptr<Connection>>)>;
  virtual std::unique_ptr<Pending> dial(const Endpoint& to, Dialled done) = 0;

  using Resolved = std::function<void(Result<std::vector<IpAddress>>)>;
  virtual std::unique_ptr<Pending> resolve(const std::string& host, Resolved done) = 0;

  /// Listens until the answer is destroyed. Fails when any other program listens there.
  virtual Result<std::unique_ptr<Pending>> listen(const Endpoint& on, ListenerObserver& observer) = 0;

  /// So many UDP sockets on one address and port (0: one that the system chooses), among which it shares out
  /// the datagrams, those of one peer always to the same. Fails when any other program has the port.
  virtual Result<std::vector<std::unique_ptr<BoundUdp>>> bind_udp(const Endpoint& on, unsigned count) = 0;
  /// The same for QUIC: packets are shared out by the first byte of the connection id that they go to, modulo
  /// `count`, to the sockets in their order; they are never cut in pieces on their way.
  virtual Result<std::vector<std::unique_ptr<BoundUdp>>> bind_quic(const Endpoint& on, unsigned count) {
    return bind_udp(on, count);
  }
  /// The socket on this loop, from now on read for `observer`, which outlives it.
  virtual std::unique_ptr<UdpSocket> attach(std::unique_ptr<BoundUdp> socket, UdpObserver& observer) = 0;
};

}  // namespace penstock
