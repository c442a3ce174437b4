// Steering on plain sockets: works everywhere, and is what the kernel's programs are measured against.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "net/network.h"
#include "steering/per_session.h"
#include "steering/steering.h"

namespace penstock {

/// One socket for each local end, shared by all sessions there: a session's datagrams are told apart by who
/// sent them. So memory for sockets goes with the number of ports, not of sessions. One thread.
class SocketSteering final : public Steering {
 public:
  /// Which address a session's local end has, where a socket takes datagrams for every address of the host.
  enum class LocalAddress {
    kAsUsed,   // the one that the remote end sent to; replies leave from it (edge)
    kAsBound,  // the socket's own, whatever it is; the system chooses what datagrams leave from (hub)
  };

  /// All outlive this; nothing is told once it is destroyed.
  SocketSteering(Network& network, SessionTable& table, LocalAddress address, SteeringObserver& observer);
  ~SocketSteering() override;
  SocketSteering(const SocketSteering&) = delete;
  SocketSteering& operator=(const SocketSteering&) = delete;

  void open(std::unique_ptr<BoundUdp> socket) override;
  void close(const Endpoint& local) override;
  Result<Endpoint> source(std::uint32_t number, const Endpoint& remote) override;
  std::uint32_t sources(bool v4, std::uint32_t most) const override;
  void adopt(const std::function<bool(const Left&)>& /*take*/) override {}
  void add(Session& session, const ProxyAddresses& seen) override;
  ProxyAddresses seen(const Session& session) const override;
  void remember(const Session& /*session*/, const SessionOrigin& /*origin*/) override {}
  void remove(Session& session) override;
  void send(Session& session, Bytes header, Bytes payload) override;
  void send_header(Session& session, Bytes header) override;
  void flush() override;

 private:
  class Port;
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kStaging = 256U
                                          << 10;  // holds a batch of common datagrams, or four of the largest

  /// One datagram of the batch.
  struct Staged {
    Session* session;
    std::size_t payload;
    bool booked;  // its outcome is told
  };

  Port* port_for(const Endpoint& local) const;
  void stage(Session& session, Bytes header, Bytes payload, bool booked);

  Network& network_;
  SessionTable& table_;
  const LocalAddress address_;
  SteeringObserver& observer_;
  std::map<Endpoint, std::unique_ptr<Port>> ports_;  // by what they are bound to
  PerSession<Port*> port_of_;
  PerSession<ProxyAddresses> seen_;               // where they are not the session's path
  std::array<std::vector<Endpoint>, 2> sources_;  // by number, of IPv6 and of IPv4

  // The batch: datagrams of one port, their bytes in a row.
  std::unique_ptr<std::byte[]> staging_;
  std::size_t staged_bytes_ = 0;
  std::size_t staged_ = 0;
  Port* batch_port_ = nullptr;
  std::array<Staged, kBatch> batch_{};
  std::array<OutgoingDatagram, kBatch> outgoing_{};
};

class SocketSteeringMaker final : public SteeringMaker {
 public:
  explicit SocketSteeringMaker(SocketSteering::LocalAddress address, std::uint32_t first_slot = 0)
      : address_{address}, first_slot_{first_slot} {}
  std::unique_ptr<Steering> make(unsigned worker, Network& network, SessionTable& table,
                                 SteeringObserver& observer) override;
  std::uint32_t first_slot() const override { return first_slot_; }

 private:
  const SocketSteering::LocalAddress address_;
  const std::uint32_t first_slot_;
};

}  // namespace penstock
