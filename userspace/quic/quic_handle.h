// What the owner of a connection holds: it goes on to stand when the connection has ended.
#pragma once

#include "quic/quic_connection.h"

namespace penstock {

class LibraryConnection;

class QuicHandle final : public QuicConnection {
 public:
  QuicHandle(LibraryConnection& connection, const Endpoint& peer, const Endpoint& local, bool server);
  ~QuicHandle() override;

  void observe(QuicObserver* observer) override;
  const Endpoint& peer() const override { return peer_; }
  const Endpoint& local() const override { return local_; }
  bool is_server() const override { return server_; }
  std::string cipher() const override;
  QuicReport report() const override;
  Result<QuicStreamId> open_stream() override;
  SendBuffer* buffer(QuicStreamId id) override;
  void finish(QuicStreamId id) override;
  std::uint64_t stream_credit(QuicStreamId id) const override;
  void permit_streams() override;
  void grant(QuicStreamId id, std::uint64_t bytes) override;
  void reset_stream(QuicStreamId id, std::uint64_t code) override;
  std::uint64_t bytes_in(Duration span) const override;
  std::size_t datagram_room() const override;
  void flush_soon() override;
  void close(std::uint64_t code, std::string_view text) override;

  void set_peer(const Endpoint& peer) { peer_ = peer; }
  void set_local(const Endpoint& local) { local_ = local; }
  /// The connection has ended.
  void leave();

 private:
  LibraryConnection* connection_;  // null once it has ended
  Endpoint peer_;
  Endpoint local_;
  const bool server_;
  QuicReport last_;  // once it has ended
  std::string cipher_;
};

}  // namespace penstock
