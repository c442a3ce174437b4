// Steering on plain sockets: works everywhere, and is what the kernel's programs are measured against.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "net/network.h"
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
  void add(Session& session) override;
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
  std::vector<Port*> port_of_;                       // by the table's index of a session

  // The batch: datagrams of one port, their bytes in a row.
  std::unique_ptr<std::byte[]> staging_;
  std::size_t staged_bytes_ = 0;
  std::size_t staged_ = 0;
  Port* batch_port_ = nullptr;
  std::array<Staged, kBatch> batch_{};
  std::array<OutgoingDatagram, kBatch> outgoing_{};
};

}  // namespace penstock
