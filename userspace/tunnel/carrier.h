// A carrier: one authenticated connection of a tunnel, the streams and the datagrams on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/recent_map.h"
#include "net/link.h"
#include "net/loop.h"
#include "net/network.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "quic/quic_connection.h"
#include "tunnel/counters.h"
#include "tunnel/flow.h"
#include "tunnel/stream.h"
#include "tunnel/tiered_scheduler.h"
#include "tunnel/window.h"

namespace penstock {

/// Which end of the tunnel this is; says nothing about who dialled.
enum class Side { kEdge, kHub };

/// What the peer understands. A hub does not know before the first frame.
enum class Mode { kUndecided, kLegacy, kPenstock };

struct CarrierSettings {
  Side side = Side::kEdge;
  Mode mode = Mode::kUndecided;
  Duration ping{};                       // silence after which the peer is asked
  Duration timeout{};                    // silence after which it is given up
  Duration half_closed{};                // silence after which a half-closed stream is reset
  WindowBudget* budget = nullptr;        // of the node, for what this side receives; outlives the carrier
  Counters* counters = nullptr;          // of the worker; outlives the carrier
  Ledger* ledger = nullptr;              // of the role on the worker; outlives the carrier
  ElephantLimits elephants{};            // who is in the sustained tier
  std::uint64_t sustained_least = 0;     // bytes a second of that tier, while the data tier waits
  std::string edge{};                    // hub: whose carrier it is, as the ledger knows it
  std::size_t datagram_queue = 1 << 20;  // bytes of memory for datagrams that wait to be sent
};

/// What a carrier tells its owner, on the loop's thread. on_stream_closed() may come from within reset(),
/// attach() or close(); the others never come from within a call of the owner to the carrier.
class CarrierObserver {
 public:
  /// Hub: a stream was opened; answer now or later with attach() or reset().
  virtual void on_open(Stream& stream) = 0;
  /// A stream ended and is destroyed behind this call. `text` is the peer's word or the system's, or empty.
  virtual void on_stream_closed(Stream& stream, Reason reason, const std::string& text) = 0;
  /// Hub: the first frame was no HELLO, the peer speaks only the published protocol.
  virtual void on_legacy_peer() = 0;
  /// HELLO, CONFIG, CONFIG_RESULT or REPORT, whole. An error ends the carrier.
  virtual Result<void> on_message(FrameType type, Bytes payload) = 0;
  /// UDP_OPEN, UDP_DATA, UDP_DATA_BACK, UDP_CLOSE or UDP_OPEN_ACK, or RESET of a session; of those only what
  /// may come from this peer. `payload` is good until the call returns. An error ends the carrier.
  virtual Result<void> on_session_frame(FrameType type, std::uint32_t session, Bytes payload) = 0;
  /// What the last read brought of sessions has been told: batches may leave. Comes soon after
  /// on_session_frame(), though the carrier may have begun to close meanwhile, and before
  /// on_carrier_closed().
  virtual void on_turn_end() = 0;
  virtual void on_go_away(const GoAwayMessage& message) = 0;
  /// The last call: the carrier may be destroyed in it. All its streams were closed before.
  virtual void on_carrier_closed(Reason reason, const std::string& text) = 0;

 protected:
  ~CarrierObserver() = default;
};

struct CarrierReport {
  Duration rtt{};  // 0: not measured yet
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::size_t streams = 0;
  bool resumed = false;              // its handshake took up an earlier one
  std::uint64_t key_updates = 0;     // RFC 8446, 4.6.3; RFC 9001, 6
  std::optional<QuicReport> quic{};  // of a carrier of QUIC
};

/// What TLS and QUIC carriers have in common: control frames over one link, the heartbeat, the life of
/// streams. How streams and datagrams travel is theirs (framed_carrier.h, quic_carrier.h). One thread: its
/// loop's. Sessions are their owner's: a carrier moves what belongs to them and knows no session.
class Carrier : protected LinkObserver {
 public:
  /// All that a carrier without streams and datagrams is, on its way to another loop.
  struct Luggage {
    std::unique_ptr<Link> link;
    FrameReader reader;
    std::vector<std::byte> unsent;
    std::vector<std::byte> unread;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
  };

  virtual ~Carrier();
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  /// Edge: opens a stream for a client's connection. Refused with a reason when the windows' memory is used
  /// up.
  Result<Stream*> open(std::unique_ptr<Link> link, Flow flow);
  /// Hub: joins a stream with its backend; `preface` goes to the backend before anything else.
  void attach(std::uint32_t stream, std::unique_ptr<Link> link, Bytes preface);
  /// Ends a stream in both directions at once and tells the peer why. No effect on a stream that is gone.
  void reset(std::uint32_t stream, Reason reason, const std::string& text);
  Stream* find(std::uint32_t stream);
  void for_each(const std::function<void(Stream&)>& visit);

  /// Sends a frame of the tunnel itself (stream 0).
  void send(FrameType type, Bytes payload);
  /// Asks the peer for a sign of life, whenever it was heard last. One that knows nothing of the carrier says
  /// so, which ends it.
  void ask();

  /// Queues a datagram, UDP_DATA or UDP_DATA_BACK. From then on `line`, which outlives the carrier, has it
  /// as held, then as sent, or as dropped when the carrier ends before. False when it does not fit into the
  /// queue, is larger than a datagram may be, or the carrier is not running: then it is the caller's to
  /// count.
  virtual bool send_datagram(FrameType type, std::uint32_t session, Bytes payload, LedgerLine& line) = 0;
  /// Queues UDP_OPEN and, behind it, the first UDP_DATA: both or neither. `line` and the answer as above.
  virtual bool open_session(std::uint32_t session, Bytes proxy_header, Bytes payload, LedgerLine& line) = 0;
  /// Whether a datagram may be lost on its way: then a session opens with every one until it is acknowledged.
  virtual bool loses_datagrams() const = 0;
  /// Edge: sends UDP_MOVE, to a hub that knows it. False when that has to wait: too much does already.
  bool move_session(std::uint32_t session, Bytes proxy_header);
  /// Sends UDP_CLOSE, UDP_OPEN_ACK or RESET of a session, before datagrams that are queued. Nothing when the
  /// carrier is not running.
  void send_session(FrameType type, std::uint32_t session, Bytes payload);
  /// Hub: the session is open. Silent towards a legacy peer.
  void acknowledge_session(std::uint32_t session);
  /// The session ended, or was refused: UDP_CLOSE for want of traffic and to a legacy peer, else RESET.
  void end_session(std::uint32_t session, Reason reason, const std::string& text);

  /// Takes nothing more from the peer until resume(); what has come waits. May be called from on_message().
  void pause() { paused_ = true; }
  virtual void resume();
  /// Whether it may move to another loop by pack().
  virtual bool moves() const = 0;
  /// Of a paused carrier that moves and has neither streams nor datagrams, and not from within a call of its
  /// own: leaves nothing but to be destroyed, without a further word to anybody.
  Luggage pack();

  /// Asks the peer to open nothing more here; streams go on. Silent towards a legacy peer.
  void go_away(const GoAwayMessage& message);
  /// Resets all streams, sends what is queued, ends the link in order (within a second), then
  /// on_carrier_closed().
  void close(Reason reason, std::string text);

  Mode mode() const { return mode_; }
  void set_mode(Mode mode) { mode_ = mode; }
  /// False once every stream id was used: time for another carrier.
  bool ids_left() const { return last_stream_ < wire::kSessionBit - 1; }
  bool running() const { return state_ == State::kRunning; }
  std::size_t streams() const { return streams_.size(); }
  virtual CarrierReport report() const;
  Link& link() { return *link_; }

 protected:
  friend class Stream;
  enum class State { kRunning, kClosing, kClosed };
  using Streams = RecentMap<std::uint32_t, std::unique_ptr<Stream>>;

  /// `greeting`: what the handshake still has to send, before any frame; `leftover`: bytes that came behind
  /// its line; `quantum`: bytes of a stream's turn.
  Carrier(Loop& loop, std::unique_ptr<Link> link, const CarrierSettings& settings, CarrierObserver& observer,
          std::string_view greeting, std::vector<std::byte> leftover, std::int64_t quantum);
  /// To be called once the carrier can receive and send.
  void begin();
  /// It goes on with what another one packed, and is paused.
  void unpack(Luggage& luggage);

  // What the kinds do each in their own way
  /// Tells the peer of a new stream, whose id it returns; `line` is the PROXY v1 line.
  virtual Result<std::uint32_t> begin_stream(std::string_view line) = 0;
  virtual SendWindow send_window() const = 0;
  /// The peer may send so many bytes more.
  virtual void grant(Stream& stream, std::uint32_t bytes) = 0;
  /// The stream ends here, other than in order; `tell_peer` unless it ended there first.
  virtual void abandon(Stream& stream, Reason reason, const std::string& text, bool tell_peer) = 0;
  /// The peer opened a stream that finds no place.
  virtual void refuse(std::uint32_t id, Reason reason) = 0;
  /// Whether frames of that type travel over the link at all.
  virtual bool travels(FrameType type) const = 0;
  virtual Result<void> handle_stream_frame(const FramePart& part) = 0;
  /// Writes what waits.
  virtual void flush() = 0;
  virtual void drop_datagrams() = 0;
  /// Now and then.
  virtual void check(Time /*now*/) {}
  /// Of what was packed into this carrier's own buffers and not sent.
  virtual Bytes unsent() const { return {}; }

  // Receiving (carrier_frames.cc)
  void on_readable() override;
  void on_writable() override;
  void on_broken(const boost::system::error_code& error) override;
  void read_turn();
  void consume(Bytes bytes);
  Result<void> handle(const FramePart& part);
  Result<void> handle_session_frame(const FramePart& part);
  Result<void> handle_tunnel_frame(const FramePart& part);
  Result<void> handle_reset(Stream& stream, Bytes payload);
  Result<void> out_of_place(std::string_view why) const;
  bool belongs_here(FrameType type) const;
  void handle_pong(Bytes payload);
  /// A stream that the peer opened, with the payload of its OPEN.
  void take_open(std::uint32_t id, Bytes line);
  void count_late(std::size_t bytes);
  void count_received(std::size_t bytes);

  // Sending
  void flush_soon();
  void queue_frame(std::uint32_t stream, FrameType type, Bytes payload);
  bool control_is_full() const;
  /// `bytes` of control_ were sent.
  void control_sent(std::size_t bytes);
  /// Bytes of the stream's source go into the tunnel.
  void count_sent(Stream& stream, std::size_t bytes);
  void source_failed(Stream& stream, const boost::system::error_code& why);
  void link_failed(const IoResult& result);

  // Life
  template <class Work>
  void post_to_self(Work work) {
    loop_.post([work = std::move(work), alive = std::weak_ptr<bool>{alive_}] {
      if (!alive.expired()) work();
    });
  }
  void tick();
  void check_peer(Time now);
  void check_stream(Stream& stream, Time now);
  void end_stream(std::uint32_t id, Reason reason, const std::string& text, bool tell_peer);
  void end_all_streams(Reason reason, const std::string& text);
  void stream_is_done(Stream& stream);
  void finish_closing();
  void announce_closed();
  Duration ping_every() const;
  Duration give_up_after() const;

  Loop& loop_;
  std::unique_ptr<Link> link_;
  CarrierObserver& observer_;
  WindowBudget& budget_;
  Counters& counters_;
  Ledger& ledger_;
  ServiceLedger& nobody_;  // the books of what belongs to no service
  const Side side_;
  Mode mode_;
  const Duration ping_;
  const Duration timeout_;
  const Duration half_closed_;

  State state_ = State::kRunning;
  Reason why_closed_ = PST_R_UNKNOWN;
  std::string closed_text_;
  // Guards work posted to the loop against outliving the carrier; weak copies are all that leaves this
  // object.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Timer> ticker_;

  Streams streams_;
  std::uint32_t last_stream_ = 0;
  bool first_frame_ = true;

  FrameReader reader_;
  std::vector<std::byte> leftover_;
  bool paused_ = false;           // by our owner
  bool reading_paused_ = false;   // by too many control frames that wait
  bool overflowed_ = false;       // by more of them than can be kept
  bool told_of_session_ = false;  // in this turn of reading

  const ElephantLimits elephants_;
  TieredScheduler scheduler_;
  std::vector<std::byte> control_;  // frames that go before all data
  bool flush_posted_ = false;
  bool write_blocked_ = false;

  Time now_;  // of this turn of the loop
  Time last_heard_;
  Time last_ping_;
  std::uint64_t ping_nonce_ = 0;
  Duration rtt_{};
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace penstock
