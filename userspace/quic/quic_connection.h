// One QUIC connection (RFC 9000) as its user sees it: bidirectional streams, and datagrams (RFC 9221).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"

namespace penstock {

/// RFC 9000, 2.1. Bidirectional ones only: those of the client are 0, 4, 8, ..., of the server 1, 5, 9, ...
using QuicStreamId = std::int64_t;

/// The packet that is being filled. What was taken into it is under way.
class QuicPacket {
 public:
  enum class Outcome {
    kTaken,    // some bytes, or the end, went in; there is room for more in this packet
    kFull,     // the packet is complete (what was offered last may be in it, wholly or in part): return
    kBlocked,  // the peer permits this stream no more for now: on_stream_credit() tells when it does
    kGone,     // nothing more can be sent on this stream
  };
  /// What is offered next belongs to another turn than what was offered before. False: so little is left of
  /// the run of packets, which the system takes as one, that the turn begins with the next run: return. So
  /// what belongs together arrives together.
  virtual bool begin_turn() = 0;
  /// Takes unsent bytes of the stream's buffer, and its end when finish() was called; `taken` are the bytes
  /// that went in, with kFull too.
  virtual Outcome add_stream(QuicStreamId id, std::size_t& taken) = 0;
  /// Takes the datagram whole, or not at all: `taken` says, with kFull too. One longer than datagram_room()
  /// of the connection must not be offered.
  virtual Outcome add_datagram(Bytes datagram, bool& taken) = 0;

 protected:
  ~QuicPacket() = default;
};

/// What a connection brings and what it may send, told on the loop's thread, never from within a call of the
/// connection. It may be destroyed in any of these but fill().
class QuicFlows {
 public:
  /// Bytes of a stream, in order; `end` with the last ones, which may be none. A stream of the peer's begins
  /// with its first call. `data` is good until the call returns. The peer gets new credit by
  /// QuicConnection::grant() only.
  virtual void on_stream_data(QuicStreamId id, Bytes data, bool end) = 0;
  /// The peer aborted its direction of the stream, or wanted nothing more of ours. May be told twice.
  virtual void on_stream_reset(QuicStreamId id, std::uint64_t code) = 0;
  /// The peer permits more on a stream.
  virtual void on_stream_credit(QuicStreamId id) = 0;
  /// So many bytes of the stream were acknowledged: its buffer is smaller by them.
  virtual void on_stream_acknowledged(QuicStreamId id, std::size_t bytes) = 0;
  /// Both directions ended and all was acknowledged, or it was aborted: buffer() knows it for the last time.
  virtual void on_stream_closed(QuicStreamId id) = 0;
  virtual void on_datagram(Bytes datagram) = 0;
  /// What the last batch of packets brought was told.
  virtual void on_turn_end() = 0;
  /// There is a packet to be filled: offer what is most urgent until it is full or there is nothing more.
  /// Calls nothing of the connection but buffer(), finish(), stream_credit() and datagram_room().
  virtual void fill(QuicPacket& packet) = 0;

 protected:
  ~QuicFlows() = default;
};

/// The same, and the connection's life: for its owner.
class QuicObserver : public QuicFlows {
 public:
  /// The peer is who it must be (client: the server was verified); streams may be opened.
  virtual void on_established() = 0;
  /// The last call. A client whose server was not the one wanted gets Errc::kRefused; other failures of TLS
  /// and QUIC Errc::kProtocol; silence the system's ETIMEDOUT, all else Errc::kUnavailable; `code`
  /// is what the peer's application gave as reason, 0 otherwise.
  virtual void on_quic_closed(const Error& error, std::uint64_t code) = 0;

 protected:
  ~QuicObserver() = default;
};

class SendBuffer;

/// How a connection does; counters since it was made.
struct QuicReport {
  Duration rtt{};  // smoothed; 0: not measured yet
  std::uint64_t sent_packets = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t lost_packets = 0;    // as far as the library tells
  std::uint64_t marked_packets = 0;  // received, that met congestion on their way (RFC 3168)
  std::uint64_t sent_bytes = 0;      // UDP payload
  std::uint64_t received_bytes = 0;
  std::uint64_t congestion_window = 0;  // bytes
  std::uint64_t in_flight = 0;          // bytes
  std::size_t packet_size = 0;          // UDP payload that the path takes, as found so far
  std::uint32_t migrations = 0;         // changes of the peer's address that were validated
  std::uint32_t key_updates = 0;        // RFC 9001, 6
  bool resumed = false;
  bool forgotten = false;  // the peer said that it knows nothing of the connection (RFC 9000, 10.3)
};

/// A handle: destroying it ends the connection with the code of close(), or 0; what must linger (the closing
/// period) stays with the endpoint. One thread, its endpoint's.
class QuicConnection {
 public:
  virtual ~QuicConnection() = default;
  virtual void observe(QuicObserver* observer) = 0;

  virtual const Endpoint& peer() const = 0;   // server: follows the client when it moves
  virtual const Endpoint& local() const = 0;  // client: what the last packet came to
  virtual bool is_server() const = 0;
  virtual std::string cipher() const = 0;
  virtual QuicReport report() const = 0;

  /// A new stream; Errc::kLimit when the peer permits no more for now.
  virtual Result<QuicStreamId> open_stream() = 0;
  /// The bytes on their way out of a stream; null when it is gone. After adding to it or finish(), ask for
  /// flush_soon().
  virtual SendBuffer* buffer(QuicStreamId id) = 0;
  /// Our direction ends behind what is in the buffer.
  virtual void finish(QuicStreamId id) = 0;
  /// Bytes that the peer permits on the stream now, beyond what was sent.
  virtual std::uint64_t stream_credit(QuicStreamId id) const = 0;
  /// Server: the client may open all the streams of the settings from now on, and not only the first ones.
  virtual void permit_streams() = 0;
  /// The peer may send so many bytes more on that stream.
  virtual void grant(QuicStreamId id, std::uint64_t bytes) = 0;
  /// Aborts both directions: RESET_STREAM and STOP_SENDING with the code; what is in the buffer is dropped.
  virtual void reset_stream(QuicStreamId id, std::uint64_t code) = 0;
  /// Bytes that congestion control lets through in that time, by what is known of the path now.
  virtual std::uint64_t bytes_in(Duration span) const = 0;
  /// The longest datagram that a packet on the present path can carry; 0: the peer takes none. Changes as the
  /// path does.
  virtual std::size_t datagram_room() const = 0;

  /// There may be something to send: fill() will be called, later in this turn of the loop or when congestion
  /// control and pacing permit. Cheap to call again.
  virtual void flush_soon() = 0;
  /// Ends the connection at once, telling the peer the application's code and text (at most 200 bytes);
  /// on_quic_closed() is not called any more.
  virtual void close(std::uint64_t code, std::string_view text) = 0;
};

}  // namespace penstock
