// The network of one simulated host, as one of its loops sees it.
#pragma once

#include <vector>

#include "net/network.h"
#include "support/sim_internet.h"

namespace penstock {

/// `addresses` are the host's; the first is where its dials come from. A host has the families that its
/// addresses have.
class SimNetwork final : public Network {
 public:
  SimNetwork(SimInternet& internet, Loop& loop, std::vector<IpAddress> addresses)
      : internet_{internet}, loop_{loop}, addresses_{std::move(addresses)} {}

  Loop& loop() { return loop_; }
  std::unique_ptr<Link> attach(std::unique_ptr<Connection> connection, const LinkOptions& options) override;
  /// The plain link, unless the internet was told to use TLS.
  std::unique_ptr<Link> secure(std::unique_ptr<Connection> connection, const LinkOptions& options,
                               TlsContext& context, const std::string& server_name) override;
  /// Takes a round trip; without an answer the kernel's 127 s.
  std::unique_ptr<Pending> dial(const Endpoint& to, Dialled done) override;
  std::unique_ptr<Pending> resolve(const std::string& host, Resolved done) override;
  Result<std::unique_ptr<Pending>> listen(const Endpoint& on, ListenerObserver& observer) override;
  Result<std::vector<std::unique_ptr<BoundUdp>>> bind_udp(const Endpoint& on, unsigned count) override;
  Result<std::vector<std::unique_ptr<BoundUdp>>> bind_quic(const Endpoint& on, unsigned count) override;
  std::unique_ptr<UdpSocket> attach(std::unique_ptr<BoundUdp> socket, UdpObserver& observer) override;

 private:
  Result<std::vector<std::unique_ptr<BoundUdp>>> bind_group(const Endpoint& on, unsigned count,
                                                            SimPost::Sharing sharing);
  Result<std::vector<IpAddress>> homes(const IpAddress& on) const;
  std::uint16_t take_port();
  bool is_free(const std::vector<IpAddress>& addresses, std::uint16_t port);
  std::uint16_t choose_udp_port(const std::vector<IpAddress>& addresses);

  SimInternet& internet_;
  Loop& loop_;
  const std::vector<IpAddress> addresses_;
  std::uint16_t next_port_ = 32768;
};

}  // namespace penstock
