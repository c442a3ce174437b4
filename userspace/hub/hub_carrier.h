// One connection of an edge to the hub: its handshake, then its carrier, and the dials to backends.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/hub_worker.h"
#include "tunnel/line_reader.h"
#include "tunnel/quic_link.h"

namespace penstock {

/// Owned by its worker, on the worker's thread. Reads the EDGE line, waits for the hub's word, then carries
/// flows.
class HubCarrier final : private LinkObserver, private CarrierObserver {
 public:
  /// What a carrier takes along to another worker.
  struct Luggage {
    Endpoint peer;
    Endpoint local;
    Time begun;
    std::string edge;
    std::uint64_t instance = 0;
    std::uint32_t index = 0;
    std::shared_ptr<const RouteTable> routes;
    Carrier::Luggage carrier;
  };

  HubCarrier(HubWorker& worker, std::uint64_t number, std::unique_ptr<Connection> connection);
  HubCarrier(HubWorker& worker, std::uint64_t number, std::unique_ptr<QuicConnection> connection);
  /// One that comes from another worker; it waits for resume().
  HubCarrier(HubWorker& worker, std::uint64_t number, Luggage luggage);
  ~HubCarrier();

  /// Leaves nothing here but to be destroyed. Only between HELLO and resume().
  Luggage pack();
  void announce_move();
  void resume();

  void accept(const std::string& edge, const std::string& answer, std::shared_ptr<const RouteTable> routes);
  void refuse(Reason reason, const std::string& message);
  /// Flows whose port is no longer assigned, or to another service, are reset.
  void set_routes(std::shared_ptr<const RouteTable> routes);
  void send(FrameType type, const std::string& payload);
  void go_away(const GoAwayMessage& message);
  /// The edge is asked not to dial again before `retry_after`.
  void close(Reason reason, const std::string& text, std::chrono::milliseconds retry_after);

  bool accepted() const { return carrier_ != nullptr; }
  /// What HELLO said; in legacy mode nothing was said.
  std::optional<std::uint32_t> index() const { return instance_ == 0 ? std::nullopt : std::optional{index_}; }
  /// Null during the handshake.
  Carrier* carrier() { return carrier_.get(); }
  CarrierSummary summary() const;
  void add_flows(std::vector<FlowSummary>& out) const;

 private:
  /// A backend being dialled: its addresses are tried in turn until one answers or the time is up.
  struct BackendDial {
    Route route;
    std::uint16_t port = 0;
    std::size_t next = 0;
    std::string last_error = "no address was tried";
    std::unique_ptr<Pending> attempt;
    std::unique_ptr<Timer> patience;  // with one address, while there are others
    std::unique_ptr<Timer> deadline;
    Time give_up_at;
  };

  HubCarrier(HubWorker& worker, std::uint64_t number, const Endpoint& peer, const Endpoint& local);

  // Handshake
  void begin_handshake();
  void announce();
  std::unique_ptr<Carrier> make_carrier(const std::string& answer);
  void on_readable() override;
  void on_writable() override { announce(); }
  void on_broken(const boost::system::error_code& /*error*/) override {}  // it always reads
  void take_line(Bytes bytes);
  void end_handshake(Reason reason, std::string text);
  void leave();

  // Flows
  void on_open(Stream& stream) override;
  void on_stream_closed(Stream& stream, Reason reason, const std::string& text) override;
  void on_legacy_peer() override;
  Result<void> on_message(FrameType type, Bytes payload) override;
  Result<void> on_session_frame(FrameType type, std::uint32_t session, Bytes payload) override;
  void on_turn_end() override;
  void on_go_away(const GoAwayMessage& message) override;
  void on_carrier_closed(Reason reason, const std::string& text) override;
  Reason admit(Stream& stream, const Route*& route);
  void dial(Stream& stream, const Route& route);
  void dial_next(std::uint32_t stream);
  void dialled(std::uint32_t stream, Result<std::unique_ptr<Connection>> connection);
  void join(std::uint32_t stream, std::unique_ptr<Connection> connection);
  CarrierSettings carrier_settings() const;
  HubDesk::Caller caller() const;
  Time now() const { return worker_.worker_.loop.now(); }

  HubWorker& worker_;
  HubShared& shared_;
  const std::uint64_t number_;
  const Endpoint peer_;
  const Endpoint local_;
  const Time begun_;

  std::unique_ptr<Link> link_;  // until the carrier takes it
  QuicLink* quic_ = nullptr;    // the link itself, over QUIC
  LineReader line_;
  std::vector<std::byte> leftover_;  // came behind the EDGE line, while the hub makes up its mind
  bool line_taken_ = false;
  bool unannounced_ = false;  // over QUIC, until it has shaken hands or is gone
  std::optional<std::pair<Reason, std::string>> ending_;
  std::unique_ptr<Timer> deadline_;

  std::string edge_;
  std::uint64_t instance_ = 0;
  std::uint32_t index_ = 0;
  std::shared_ptr<const RouteTable> routes_;  // shared with the other carriers of the edge
  std::shared_ptr<SessionTunnel> sessions_;  // shared with the edge's other carriers; null until it opens one
  std::unique_ptr<Carrier> carrier_;
  std::map<std::uint32_t, BackendDial> dials_;  // by stream
};

}  // namespace penstock
