// One connection of an edge to its hub: dialled, shaken hands on, then a carrier.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "edge/hub_address.h"
#include "proto/handshake.h"
#include "proto/messages.h"
#include "steering/steering.h"
#include "tunnel/carrier.h"
#include "tunnel/journal.h"
#include "tunnel/line_reader.h"
#include "tunnel/quic_link.h"
#include "tunnel/worker.h"

namespace penstock {

/// What all workers of an edge share; lives until every worker's thread has ended.
struct EdgeShared {
  HubAddress& address;
  Journal& journal;
  WindowBudget& budget;  // for what comes from the hub
  TunnelConfig tunnel;
  FlowConfig flow;
  std::uint64_t instance;  // random per start
  std::uint32_t carriers;  // how many the edge means to have
  Admission& sessions_admission;
  SteeringMaker& steering;
  std::size_t workers;
  std::uint32_t sessions;         // UDP sessions at once, of all workers
  std::uint32_t backend_sockets;  // sources towards backends, of all workers
  std::size_t datagram_queue;     // bytes of datagrams that wait for one carrier
  EdgeConfig::Carrier carrier;
};

/// What a carrier is made of.
enum class CarrierKind { kTls, kQuic };

/// Takes what a carrier brings for UDP sessions, on its worker's thread.
class EdgeCarrier;

class SessionFrames {
 public:
  /// An error ends the carrier.
  virtual Result<void> on_frame(const EdgeCarrier& carrier, FrameType type, std::uint32_t session,
                                Bytes payload) = 0;
  /// What came together may leave together.
  virtual void flush() = 0;
  /// Whether that UDP port is a public one.
  virtual bool serves(std::uint16_t port) const = 0;

 protected:
  ~SessionFrames() = default;
};

/// Told of a carrier's life, on its worker's thread, from the loop.
class EdgeCarrierObserver {
 public:
  virtual void on_up(EdgeCarrier& carrier, const Assignment& assignment) = 0;
  virtual void on_config(EdgeCarrier& carrier, const Assignment& assignment) = 0;
  /// The hub asks for no new flows here, and for a new dial after `message.retry_after`.
  virtual void on_going_away(EdgeCarrier& carrier, const GoAwayMessage& message) = 0;
  /// The last call: the carrier may be destroyed in it, so the text comes as a copy.
  virtual void on_down(EdgeCarrier& carrier, Reason reason, std::string text) = 0;

 protected:
  ~EdgeCarrierObserver() = default;
};

/// How one carrier is dialled.
struct CarrierDial {
  std::uint32_t index = 0;
  std::uint32_t serial = 0;  // tells it from all carriers that its slot had before
  CarrierKind kind = CarrierKind::kTls;
  Duration patience{};  // until it must be up
  bool beside = false;  // the slot's other carrier goes on until its flows end
};

/// A single attempt: it ends with on_down() and is not used again. Addresses of the hub are tried in turn.
class EdgeCarrier final : private LinkObserver, private CarrierObserver {
 public:
  EdgeCarrier(const Worker& worker, EdgeShared& shared, const CarrierDial& dial, SessionFrames& sessions,
              Ledger& ledger, EdgeCarrierObserver& observer);
  ~EdgeCarrier();

  bool up() const { return carrier_ != nullptr && carrier_->running(); }
  /// Opens a flow for a client's connection; its link is reset when the carrier cannot take it.
  void open(std::unique_ptr<Connection> connection, Flow flow);
  void send(FrameType type, const std::string& payload);
  void close(Reason reason);
  /// Takes no new flows, and closes when the last one has ended and sessions had time to move.
  void retire();
  void reset_flows(const PortSet& ports, Reason reason);

  std::uint32_t index() const { return dial_.index; }
  std::uint32_t serial() const { return dial_.serial; }
  CarrierKind kind() const { return dial_.kind; }
  const Carrier* carrier() const { return carrier_.get(); }
  Carrier* carrier() { return carrier_.get(); }
  const std::string& peer() const { return peer_; }
  /// Over QUIC the one that the hub's last packet came to: it may change.
  std::string local() const { return quic_ != nullptr ? quic_->connection().local().to_string() : local_; }
  Time up_since() const { return up_since_; }
  bool legacy() const { return legacy_; }
  /// Whether the hub knows UDP_MOVE.
  bool moves_sessions() const { return moves_sessions_; }
  /// It ended, since the hub, which is there, knows nothing of it.
  bool forgotten() const { return quic_ != nullptr && quic_->connection().report().forgotten; }

 private:
  void resolve();
  void dial_next();
  void dial_tls(const Endpoint& hub);
  void dial_quic(const Endpoint& hub);
  Result<std::unique_ptr<BoundUdp>> own_socket(const IpAddress& any);
  void dialled(Result<std::unique_ptr<Connection>> connection);
  void close_if_empty();
  std::unique_ptr<Carrier> make_carrier(std::vector<std::byte> leftover);
  void send_line();
  void said_something();
  void on_readable() override;
  void on_writable() override { send_line(); }
  void on_broken(const boost::system::error_code& /*error*/) override {}  // it always reads
  void take_answer(Bytes bytes);
  void come_up(const Assignment& assignment, std::vector<std::byte> leftover);
  void say_hello(const Assignment::Extension& hub);
  void fail(Reason reason, std::string text);
  void link_failed(const IoResult& result);

  void on_open(Stream& stream) override;
  void on_stream_closed(Stream& stream, Reason reason, const std::string& text) override;
  void on_legacy_peer() override {}
  Result<void> on_message(FrameType type, Bytes payload) override;
  Result<void> on_session_frame(FrameType type, std::uint32_t session, Bytes payload) override {
    return sessions_.on_frame(*this, type, session, payload);
  }
  void on_turn_end() override { sessions_.flush(); }
  void on_go_away(const GoAwayMessage& message) override;
  void on_carrier_closed(Reason reason, const std::string& text) override;

  const Worker& worker_;
  EdgeShared& shared_;
  const CarrierDial dial_;
  SessionFrames& sessions_;
  Ledger& ledger_;
  EdgeCarrierObserver& observer_;

  std::unique_ptr<Timer> deadline_;
  std::unique_ptr<Timer> patience_;  // with the address that is being dialled, while there are others
  const Time give_up_at_;
  std::unique_ptr<Pending> pending_;  // the lookup or dial under way
  std::vector<IpAddress> addresses_;
  std::size_t next_address_ = 0;
  std::string last_error_ = "the name has no address";
  std::unique_ptr<Link> link_;  // during the handshake; then the carrier has it
  QuicLink* quic_ = nullptr;    // the link itself, over QUIC
  bool retired_ = false;
  Time stays_until_{};  // once it is retired
  std::string line_;    // what is left of the EDGE line
  LineReader answer_{wire::kMaxJson};
  bool failed_ = false;
  std::unique_ptr<Carrier> carrier_;
  bool legacy_ = false;
  bool moves_sessions_ = false;
  std::string peer_;
  std::string local_;
  Time up_since_{};
};

}  // namespace penstock
