// One QUIC connection as ngtcp2 drives it.
#pragma once

#include <set>

#include "base/recent_map.h"
#include "quic/connection_host.h"
#include "quic/library_path.h"
#include "quic/long_packets.h"
#include "quic/quic_session.h"
#include "quic/send_buffer.h"

namespace penstock {

class PacketFiller;
class QuicHandle;

struct QuicStream {
  SendBuffer buffer;
  bool finishing = false;  // finish() was called
  bool end_sent = false;
  bool aborted = false;  // by us: nothing of it is told any more
};

/// Owned by its host. What the library tells goes to the observer at once, from within the library; what the
/// owner asks meanwhile and the library does not bear then waits until that call has returned.
class LibraryConnection {
 public:
  /// A server's, for a packet that was admitted.
  struct Admission {
    ngtcp2_pkt_hd header{};
    std::optional<ngtcp2_cid> original;  // id that the client chose before a Retry
    Bytes token;                         // one that was found good
  };
  /// Null when the library refuses, which is for want of memory.
  static std::unique_ptr<LibraryConnection> accept(ConnectionHost& host, QuicTls& tls,
                                                   const Admission& admission, const Endpoint& local,
                                                   const Endpoint& peer);
  static std::unique_ptr<LibraryConnection> dial(ConnectionHost& host, QuicTls& tls, std::uint8_t steer,
                                                 const std::string& name, const Endpoint& local,
                                                 const Endpoint& peer);
  ~LibraryConnection();
  LibraryConnection(const LibraryConnection&) = delete;
  LibraryConnection& operator=(const LibraryConnection&) = delete;

  // What the handle passes on; see QuicConnection.
  void set_handle(QuicHandle* handle);
  void observe(QuicObserver* observer) { observer_ = observer; }
  std::string cipher() const { return session_->cipher(); }
  QuicReport report() const;
  Result<QuicStreamId> open_stream();
  SendBuffer* buffer(QuicStreamId id);
  void finish(QuicStreamId id);
  std::uint64_t stream_credit(QuicStreamId id) const;
  void permit_streams();
  void grant(QuicStreamId id, std::uint64_t bytes);
  void reset_stream(QuicStreamId id, std::uint64_t code);
  std::uint64_t bytes_in(Duration span) const;
  std::size_t datagram_room() const;
  void flush_soon() { host_.write_soon(*this); }
  void close(std::uint64_t code, std::string_view text);

  // What the host does with it. Each of these may retire it.
  /// False: it was no beginning of a connection, and the peer should be asked to prove its address.
  bool read(Bytes packet, const Endpoint& local, const Endpoint& peer, std::uint8_t ecn);
  void expire();
  /// Writes what the library permits now. True: it stopped early, and wants another turn.
  bool write();
  void tell_turn_end();

  Time expiry() const { return time_of_library(ngtcp2_conn_get_expiry(conn_)); }
  bool established() const { return established_; }
  bool retired() const { return retired_; }
  /// Ended, as its handle learns now.
  void set_retired();
  /// The end that its packets come to, where that is not the path's.
  void tell_local(const Endpoint& local);
  const Endpoint& peer() const { return peer_; }

  // What the host keeps about it.
  IpAddress source;  // a server's: of the packet that it began with
  bool waits_to_write = false;
  bool was_read = false;
  std::size_t index = 0;
  std::set<std::pair<Time, LibraryConnection*>>::iterator expiry_place;
  bool has_expiry = false;

 private:
  friend class PacketFiller;
  friend struct LibraryCallbacks;
  struct Closing {
    std::uint64_t code = 0;
    std::string text;
  };
  struct Reset {
    QuicStreamId id = 0;
    std::uint64_t code = 0;
  };
  LibraryConnection(ConnectionHost& host, std::unique_ptr<QuicSession> session, const Endpoint& peer)
      : host_{host}, session_{std::move(session)}, peer_{peer}, validated_{peer} {}
  void start(ngtcp2_conn* conn);
  void tell_established();
  /// Once the library has returned; true when the connection goes on.
  bool settle(int library_error);
  bool handle_expiry();  // true when the connection goes on
  bool pace();           // the same
  void apply_resets();
  void renew_keys();
  void follow_peer();
  void fail(int library_error);
  void fail_with(const Error& error, std::uint64_t code, ConnectionRemains remains);
  Error explain(int library_error, std::uint64_t& code) const;
  ConnectionRemains remains_of(int library_error);
  ConnectionRemains write_close(const ngtcp2_ccerr& why);
  void end(const Closing& closing);
  ngtcp2_tstamp time() const { return library_time(host_.now()); }
  /// Null when nothing of it is to be told.
  QuicObserver* listener() { return closing_ || retired_ ? nullptr : observer_; }
  QuicStream* find(QuicStreamId id) { return streams_.find(id); }
  /// Bytes of UDP payload of the longest packets that carry data now.
  std::size_t packet_size() const;
  void watch_long(std::size_t size, const PacketFiller& packet);

  ConnectionHost& host_;
  const std::unique_ptr<QuicSession> session_;
  ngtcp2_conn* conn_ = nullptr;
  QuicHandle* handle_ = nullptr;
  QuicObserver* observer_ = nullptr;
  LibraryPath path_;  // on which the last packet came
  Endpoint peer_;
  Endpoint validated_;  // the last one that proved to be there
  RecentMap<QuicStreamId, QuicStream> streams_;
  std::vector<ConnectionId> ids_;
  std::uint64_t withheld_streams_ = 0;  // until permit_streams()
  std::vector<Reset> resets_;           // asked for
  std::optional<Closing> closing_;      // asked for
  bool in_library_ = false;
  bool established_ = false;
  bool established_told_ = false;
  bool retired_ = false;
  std::optional<Time> unpaced_since_;  // when packets went out of which the pacer was not told
  Time renewed_{};                     // when the keys were
  unsigned prepared_ = 0;              // keys: one set more than were in use
  std::uint64_t lost_of_closed_ = 0;   // packets of streams that are gone
  std::uint64_t lost_datagrams_ = 0;   // packets with datagrams
  std::uint64_t last_lost_ = 0;
  LongPackets long_packets_;
  QuicReport counted_;
};

}  // namespace penstock
