// The real network, on one AsioLoop.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "base/file_descriptor.h"
#include "net/asio_loop.h"
#include "net/network.h"
#include "net/udp_readiness.h"

namespace penstock {

class AsioNetwork final : public Network {
 public:
  explicit AsioNetwork(AsioLoop& loop) : loop_{loop}, udp_{UdpReadiness::make(loop.context())} {}
  boost::asio::io_context& context() { return loop_.context(); }

  std::unique_ptr<Link> attach(std::unique_ptr<Connection> connection, const LinkOptions& options) override;
  std::unique_ptr<Link> secure(std::unique_ptr<Connection> connection, const LinkOptions& options,
                               TlsContext& context, const std::string& server_name) override;
  std::unique_ptr<Pending> dial(const Endpoint& to, Dialled done) override;
  std::unique_ptr<Pending> resolve(const std::string& host, Resolved done) override;
  Result<std::unique_ptr<Pending>> listen(const Endpoint& on, ListenerObserver& observer) override;
  Result<std::vector<std::unique_ptr<BoundUdp>>> bind_udp(const Endpoint& on, unsigned count) override;
  Result<std::vector<std::unique_ptr<BoundUdp>>> bind_quic(const Endpoint& on, unsigned count) override;
  std::unique_ptr<UdpSocket> attach(std::unique_ptr<BoundUdp> socket, UdpObserver& observer) override;
  /// Takes connections from a socket that listens already.
  std::unique_ptr<Pending> accept_from(FileDescriptor listener, ListenerObserver& observer);

 private:
  AsioLoop& loop_;
  const std::shared_ptr<UdpReadiness> udp_;
};

}  // namespace penstock
