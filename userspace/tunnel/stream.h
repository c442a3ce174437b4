// One stream of a carrier: a link on this side, frames on the other.
#pragma once

#include <cstdint>
#include <memory>

#include "net/link.h"
#include "tunnel/byte_queue.h"
#include "tunnel/elephant_watch.h"
#include "tunnel/flow.h"
#include "tunnel/ledger.h"
#include "tunnel/tiered_scheduler.h"
#include "tunnel/window.h"

namespace penstock {

class Carrier;

/// Moves bytes between its link and its carrier; owned by the carrier, on the carrier's thread.
/// Towards the tunnel nothing is buffered: the carrier pulls from the link when it may send. From the tunnel
/// the link takes what it can, the rest waits in a queue that the receive window bounds.
class Stream final : public TieredScheduler::Entry, private LinkObserver {
 public:
  Stream(Carrier& carrier, std::uint32_t id, Flow flow);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::uint32_t id() const { return id_; }
  Flow& flow() { return flow_; }
  FlowReport report(Time now) const;
  /// Its service is known: from here on the flow is in those books. At once after it was opened.
  void enter(ServiceLedger& ledger);
  bool attached() const { return link_ != nullptr; }
  std::uint64_t to_tunnel() const { return to_tunnel_; }
  std::uint64_t from_tunnel() const { return from_tunnel_; }
  Time opened() const { return opened_; }

 private:
  friend class Carrier;
  friend class FramedCarrier;
  friend class QuicCarrier;

  void on_readable() override;
  void on_writable() override;
  void on_broken(const boost::system::error_code& error) override;

  void attach(std::unique_ptr<Link> link, Bytes preface);
  /// Bytes of the peer; false when they exceed the window or the memory set aside: the stream must be reset.
  bool deliver(Bytes bytes, bool more, Reason& why);
  /// The same, but they wait for drain_queue().
  bool gather(Bytes bytes, Reason& why);
  bool arrived(std::size_t bytes, Reason& why);
  void peer_ended();
  IoResult write_through(Bytes bytes, bool more);
  void drain_queue();
  void finish_if_drained();
  bool hold(Bytes bytes, Reason& why);
  void consumed(std::size_t bytes);
  bool wants_to_send() const { return readable_ && !source_ended_ && send_window_.credit() > 0; }
  bool done() const { return source_ended_ && finished_; }
  bool half_closed() const { return source_ended_ || peer_ended_; }
  void settle();
  void close_books(Reason reason);
  void passed_to_tunnel(std::size_t bytes);
  LedgerLine& line_from_tunnel() const;

  Carrier& carrier_;
  const std::uint32_t id_;
  Flow flow_;
  ServiceLedger* ledger_ = nullptr;  // null until its service is known
  std::unique_ptr<Link> link_;

  SendWindow send_window_;
  ElephantWatch watch_;
  bool readable_ = false;      // the link may have bytes for us
  bool source_read_ = false;   // to its end
  bool source_ended_ = false;  // ... of which the peer was told

  ReceiveWindow receive_window_;
  ByteQueue queue_;
  bool peer_ended_ = false;  // CLOSE came
  bool finished_ = false;    // ... and everything before it went into the link
  std::uint64_t drawn_ = 0;  // memory drawn for the queue of a legacy peer, whose window we do not choose

  std::uint64_t to_tunnel_ = 0;
  std::uint64_t from_tunnel_ = 0;
  std::uint64_t delivered_ = 0;  // of from_tunnel_, into the link
  std::uint64_t settled_to_tunnel_ = 0;
  std::uint64_t settled_from_tunnel_ = 0;
  Time opened_;
  Time active_;
};

}  // namespace penstock
