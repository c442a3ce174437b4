// A QUIC connection's control stream as a link; the rest of the connection is for whoever carries flows on
// it.
#pragma once

#include <memory>
#include <string>

#include "net/link.h"
#include "net/loop.h"
#include "quic/quic_connection.h"
#include "quic/quic_endpoint.h"
#include "tunnel/byte_queue.h"

namespace penstock {

/// Owns the connection: destroying the link ends it. The control stream is the first of the client's, 0.
/// Nothing is written before the peer has proved who it is: until then write() is blocked.
class QuicLink final : public Link, private QuicObserver {
 public:
  /// A client's, with an endpoint of its own.
  QuicLink(Loop& loop, std::unique_ptr<QuicEndpoint> endpoint, const Endpoint& to, std::uint8_t steer,
           QuicTls& tls, const std::string& server_name);
  /// A server's.
  QuicLink(Loop& loop, std::unique_ptr<QuicConnection> connection);
  ~QuicLink() override;
  QuicLink(const QuicLink&) = delete;
  QuicLink& operator=(const QuicLink&) = delete;

  QuicConnection& connection() { return *connection_; }
  const QuicConnection& connection() const { return *connection_; }
  /// Who has the other streams and the datagrams, and fills packets once the control stream has nothing more
  /// to send. Until then streams of the peer are refused, and its datagrams ignored; a hub permits none
  /// but the control stream. Null: nobody any more.
  void carry(QuicFlows* flows);

  void observe(LinkObserver* observer) override { observer_ = observer; }
  void await_readable() override;
  void await_writable() override;
  void await_failure() override { failure_waits_ = true; }
  IoResult read(MutableBytes into) override;
  IoResult write(Bytes from, bool more) override;
  void finish() override;
  void reset_on_close() override {}
  /// A connection never leaves its worker (carriers of QUIC do not move).
  void leave() override {}
  void join(Network& /*network*/) override {}
  std::string describe(const boost::system::error_code& error) const override;
  std::string cipher() const override { return connection_->cipher(); }
  bool resumed() const override { return connection_->report().resumed; }
  std::uint64_t key_updates() const override { return connection_->report().key_updates; }

 private:
  void on_established() override;
  void on_stream_data(QuicStreamId id, Bytes data, bool end) override;
  void on_stream_reset(QuicStreamId id, std::uint64_t code) override;
  void on_stream_credit(QuicStreamId id) override;
  void on_stream_acknowledged(QuicStreamId id, std::size_t bytes) override;
  void on_stream_closed(QuicStreamId id) override;
  void on_datagram(Bytes datagram) override;
  void on_turn_end() override;
  void fill(QuicPacket& packet) override;
  void on_quic_closed(const Error& error, std::uint64_t code) override;
  bool has_news() const { return !inbox_.empty() || ended_ || failed_; }
  void send_soon();
  void wake_reader();
  void wake_writer();

  Loop& loop_;
  std::unique_ptr<QuicEndpoint> endpoint_;  // a client's own; before what is on it
  std::unique_ptr<QuicConnection> connection_;
  LinkObserver* observer_ = nullptr;
  QuicFlows* flows_ = nullptr;
  // Guards work posted to the loop against outliving the link.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  ByteQueue inbox_;  // of the control stream; the peer has kStreamWindow of credit beyond it
  bool ended_ = false;
  bool established_ = false;
  bool unsent_ = false;     // the control stream may have something to send
  bool finishing_ = false;  // until the end of our direction was sent
  bool reader_waits_ = false;
  bool writer_waits_ = false;
  bool failure_waits_ = false;
  boost::system::error_code failed_;
  std::string failure_;
};

}  // namespace penstock
