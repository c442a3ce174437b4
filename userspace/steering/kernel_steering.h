// Steering by kernel programs: datagrams of all sessions pass one socket, as frames with the session's id.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "base/address_prefix.h"
#include "base/time.h"
#include "penstock/abi/frame.h"
#include "steering/kernel_hops.h"
#include "steering/kernel_ports.h"
#include "steering/lane.h"
#include "steering/per_session.h"
#include "steering/session_maps.h"
#include "steering/spare_sockets.h"
#include "steering/steering.h"

namespace penstock {

/// One lane. What the programs leave to the stack (the first datagrams of a session, fragments, options)
/// comes to sockets of its own that sk_lookup finds, with the addresses it was sent to; what they cannot
/// send, by spare sockets. So every datagram that plain sockets would carry is carried, but for the last
/// eight lengths to a backend on this host, for a frame is an IP packet too. Public ports are opened
/// elsewhere, for all lanes at once: open() is never called. One thread.
class KernelSteering final : public Steering, private DirectSteering {
 public:
  /// Which pair of addresses of an entry is the session's path.
  enum class Side { kClient, kBackend };

  struct Parts {
    Side side = Side::kClient;
    std::uint16_t lane = 0;
    SessionMaps& maps;
    KernelPorts& ports;
    Endpoint virtual_end;                // where frames come from and go to
    std::uint32_t longest_frame = 1500;  // bytes of an IP packet on the steering device
    AddressPrefix network{};             // of that device, and nobody's else
    KernelHops hops;
    SourcePorts sources;
    LaneSockets sockets;
  };

  /// `network`, `table` and `observer` outlive it.
  KernelSteering(Parts parts, Network& network, SessionTable& table, SteeringObserver& observer);
  ~KernelSteering() override;
  KernelSteering(const KernelSteering&) = delete;
  KernelSteering& operator=(const KernelSteering&) = delete;

  void open(std::unique_ptr<BoundUdp> socket) override;
  void close(const Endpoint& local) override;
  Result<Endpoint> source(std::uint32_t number, const Endpoint& remote) override;
  std::uint32_t sources(bool v4, std::uint32_t most) const override;
  DirectSteering* direct() override;
  void adopt(const std::function<bool(const Left&)>& take) override;
  void add(Session& session, const ProxyAddresses& seen) override;
  Reason may_send_as(const Endpoint& client, const Endpoint& backend) override;
  Reason add_transparent(Session& session, const ProxyAddresses& seen) override;
  ProxyAddresses seen(const Session& session) const override;
  void remember(const Session& session, const SessionOrigin& origin) override;
  void remove(Session& session) override;
  void send(Session& session, Bytes header, Bytes payload) override;
  void send_header(Session& session, Bytes header) override;
  void flush() override;

  /// Routes or neighbours of the host have changed.
  void on_network_changed(bool routes) { parts_.hops.refresh(routes); }
  /// About once a second, for what the host does not tell.
  void look_again() { parts_.hops.look_again(); }
  /// Now and then, so that the host's neighbours stay known, those of sessions that there still are.
  void keep_alive();

 private:
  class Frames;
  class Whole;
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kLongestShared = 2048;  // bytes of payload: what is longer is its own batch
  static constexpr std::size_t kStaging = kBatch * kLongestShared;

  struct WayOut {
    std::uint16_t hop = 0;
    std::uint16_t mtu = 0;
    bool by_link = false;  // frames need not pass the host's stack
  };
  /// What belongs to a session besides its path and its entry in the maps.
  struct Extra {
    WayOut way;               // to the remote end of its path
    std::uint32_t epoch = 0;  // of the hops when it was found
  };
  struct Staged {
    Session* session;
    std::size_t payload;
    bool booked;  // its outcome is told
  };

  void on_frame(const ReceivedDatagram& frame);
  void on_answer(Session& session, Bytes payload);
  void on_whole(const ReceivedDatagram& datagram);
  Reason add_direct(Session& session, const ProxyAddresses& seen, const DirectRoute& route) override;
  void forward_client(Session& session) override;
  boost::system::error_code send_to_backend(Session& session, Bytes header, Bytes payload) override;
  ForwardedTraffic forwarded(Session& session) override;
  std::optional<std::uint32_t> number_of(const DirectRoute& route) override {
    return claim(route.source, route.backend);
  }
  std::optional<std::uint32_t> claim(const Endpoint& source, const Endpoint& backend);

  bool take_over(std::uint32_t slot, const pst_session& entry, const std::function<bool(const Left&)>& take);
  Left left_by_edge(const pst_session& entry) const;
  Left left_by_hub(const pst_session& entry);
  void stage(Session& session, Bytes header, Bytes payload, bool booked);
  void put(Session& session, bool to_backend, Bytes header, Bytes payload, bool booked);
  void batch_by(Frames& frames);
  UdpSent send_frames(std::span<const OutgoingDatagram> frames, unsigned& waits);
  boost::system::error_code send_only();
  boost::system::error_code send_spare(const Endpoint& from, const Endpoint& to, Bytes header, Bytes payload,
                                       bool transparent);
  bool fits(const WayOut& way, const IpAddress& to, std::size_t header, std::size_t payload) const;
  WayOut way_to(const IpAddress& address, bool backend);
  void renew_ways(Session& session, Extra& known);
  std::vector<bool> hops_in_use();
  pst_session entry_of(const Session& session, const ProxyAddresses& seen, std::uint16_t hop) const;
  DirectRoute route_of(const Session& session) const;
  Reason claim(const Session& session, const pst_session& entry);
  __u32 flags_of(const Session& session) const { return parts_.maps.at(session.id.slot()).flags; }
  bool is_direct(const Session& session) const { return (flags_of(session) & PST_SESSION_DIRECT) != 0; }
  Extra& new_extra(const Session& session);
  Extra& extra(const Session& session) { return extras_[table_.index_of(session)]; }

  Parts parts_;
  SessionTable& table_;
  SteeringObserver& observer_;
  SpareSockets spares_;
  PerSession<Extra> extras_;
  std::vector<std::byte> spare_bytes_;  // of one datagram
  Time last_added_{};
  std::unique_ptr<Frames> frames_;
  std::unique_ptr<Frames> link_;  // null without one
  std::unique_ptr<Whole> whole_v4_;
  std::unique_ptr<Whole> whole_v6_;

  Frames* batch_frames_;  // by which the batch leaves
  std::unique_ptr<std::byte[]> staging_;
  std::size_t staged_bytes_ = 0;
  std::size_t staged_ = 0;
  std::size_t longest_ = 0;  // payload of the batch
  std::array<Staged, kBatch> batch_{};
  std::array<pst_frame_out, kBatch> frame_headers_{};
  std::array<OutgoingDatagram, kBatch> outgoing_{};
};

}  // namespace penstock
