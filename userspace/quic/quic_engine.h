// A QUIC endpoint at work: its socket, its timer, and the turns of its connections.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "base/recent_map.h"
#include "quic/closed_connections.h"
#include "quic/library_connection.h"
#include "quic/quic_endpoint.h"
#include "quic/server_gate.h"

namespace penstock {

/// What only a server has.
struct QuicServing {
  QuicTls& tls;
  QuicEndpointObserver& observer;
  QuicLimits limits;
};

/// Its owner may let it go within anything that it tells: it ends with the turn then.
class QuicEngine final : public std::enable_shared_from_this<QuicEngine>,
                         private UdpObserver,
                         private ConnectionHost {
 public:
  QuicEngine(Loop& loop, Network& network, std::unique_ptr<BoundUdp> socket, const QuicSettings& settings,
             const std::optional<QuicServing>& serving);

  std::unique_ptr<QuicConnection> dial(const Endpoint& to, std::uint8_t steer, QuicTls& tls,
                                       const std::string& server_name, QuicObserver& observer);
  void set_limits(const QuicLimits& limits);
  void stop_accepting();
  const QuicEndpointReport& report() const { return report_; }
  /// Nothing is told any more.
  void end();

 private:
  using Expiries = std::set<std::pair<Time, LibraryConnection*>>;
  class Wake;

  void on_datagrams(std::span<const ReceivedDatagram> datagrams) override;
  void on_overrun(std::uint64_t datagrams) override;

  Time now() const override { return now_; }
  const QuicSettings& settings() const override { return settings_; }
  const QuicSecret& secret() const override { return secret_; }
  PacketBatch& batch() override { return batch_; }
  ConnectionId make_id() override;
  void add_id(const ConnectionId& id, LibraryConnection& connection) override;
  void remove_id(const ConnectionId& id) override { ids_.erase(id); }
  void write_soon(LibraryConnection& connection) override;
  void on_handshake_complete(LibraryConnection& connection) override;
  void retire(LibraryConnection& connection, ConnectionRemains remains) override;

  void receive(const ReceivedDatagram& datagram);
  void read(LibraryConnection& connection, const ReceivedDatagram& datagram);
  void offer_to_peers(const ReceivedDatagram& datagram);
  void meet(const ReceivedDatagram& datagram, const ngtcp2_version_cid& ids);
  void keep(std::unique_ptr<LibraryConnection> connection);
  void tell_turn_ends();
  void expire_due();
  void write_waiting();
  void set_expiry(LibraryConnection& connection, Time at);
  void wake_soon();
  void arm();
  void on_timer();
  void finish();
  Endpoint local_of(const ReceivedDatagram& datagram) const;

  Loop& loop_;
  const QuicSettings settings_;
  const std::optional<QuicServing> serving_;
  QuicSecret secret_{};
  Time now_;  // of the turn; never goes back
  std::unique_ptr<UdpSocket> socket_;
  PacketBatch batch_;
  QuicEndpointReport report_;
  std::optional<ServerGate> gate_;  // server
  std::vector<std::unique_ptr<LibraryConnection>> connections_;
  std::vector<std::unique_ptr<LibraryConnection>> retired_;  // until the turn ends
  RecentMap<ConnectionId, LibraryConnection*, ConnectionIdHash> ids_;
  ClosedConnections closed_;
  Expiries expiries_;
  std::vector<LibraryConnection*> read_;     // in this turn
  std::vector<LibraryConnection*> waiting_;  // to write
  std::vector<LibraryConnection*> writing_;
  Time room_again_{};  // until then the system has no room for packets, as far as is known
  Time armed_ = kNever;
  std::unique_ptr<Timer> timer_;
  int awake_ = 0;        // turns under way, which are one, or none
  bool posted_ = false;  // a turn
  bool ended_ = false;
};

}  // namespace penstock
