// The real network, on one AsioLoop.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "net/asio_loop.h"
#include "net/network.h"

namespace penstock {

class AsioNetwork final : public Network {
 public:
  explicit AsioNetwork(AsioLoop& loop) : loop_{loop} {}

  std::unique_ptr<Link> attach(std::unique_ptr<Connection> connection, const LinkOptions& options) override;
  std::unique_ptr<Link> secure(std::unique_ptr<Connection> connection, const LinkOptions& options,
                               TlsContext& context, const std::string& server_name) override;
  std::unique_ptr<Pending> dial(const Endpoint& to, Dialled done) override;
  std::unique_ptr<Pending> resolve(const std::string& host, Resolved done) override;
  Result<std::unique_ptr<Pending>> listen(const Endpoint& on, ListenerObserver& observer) override;

 private:
  AsioLoop& loop_;
};

}  // namespace penstock
