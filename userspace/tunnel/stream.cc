#include "tunnel/stream.h"

#include <algorithm>

#include "tunnel/carrier.h"

namespace penstock {
namespace {

/// Legacy peers know windows of 1 to 4 MB (of either kind): we accept as much as the largest allows.
constexpr std::uint64_t kLegacyReceiveCredit = 4U << 20;

}  // namespace

Stream::Stream(Carrier& carrier, std::uint32_t id, Flow flow)
    : carrier_{carrier},
      id_{id},
      flow_{std::move(flow)},
      send_window_{carrier.send_window()},
      receive_window_{carrier.mode_ == Mode::kPenstock ? wire::kInitialCredit : kLegacyReceiveCredit,
                      carrier.mode_ == Mode::kPenstock ? &carrier.budget_ : nullptr},
      opened_{carrier.now_},
      active_{carrier.now_} {}

FlowReport Stream::report(Time now) const {
  const bool at_edge = carrier_.side_ == Side::kEdge;
  std::string_view state = "open";
  if (!attached()) {
    state = "dialing";
  } else if (half_closed()) {
    state = source_ended_ == at_edge ? "half_closed_client" : "half_closed_backend";
  }
  return {.stream = id_,
          .service = flow_.service,
          .client = flow_.client,
          .local = flow_.local,
          .backend = flow_.backend,
          .age = now - opened_,
          .idle = std::max(Duration{}, now - active_),
          .to_backend = at_edge ? to_tunnel_ : from_tunnel_,
          .to_client = at_edge ? from_tunnel_ : to_tunnel_,
          .state = state,
          .tier = sustained ? "sustained" : "data"};
}

void Stream::attach(std::unique_ptr<Link> link, Bytes preface) {
  link_ = std::move(link);
  link_->observe(this);
  readable_ = true;  // maybe: the first pull will tell
  if (!preface.empty() && link_->write(preface, true).bytes != preface.size()) {
    carrier_.reset(id_, PST_R_SOCKET_ERROR, "the backend did not take the PROXY header");
    return;
  }
  drain_queue();
}

bool Stream::deliver(Bytes bytes, bool more, Reason& why) {
  if (!arrived(bytes.size(), why)) return false;
  if (link_ != nullptr && queue_.empty()) {
    const IoResult result = write_through(bytes, more);
    if (result.status == IoStatus::kFailed) return true;  // the stream is gone
    bytes = bytes.subspan(result.bytes);
  }
  return bytes.empty() || hold(bytes, why);
}

bool Stream::gather(Bytes bytes, Reason& why) {
  return arrived(bytes.size(), why) && hold(bytes, why);
}

bool Stream::arrived(std::size_t bytes, Reason& why) {
  active_ = carrier_.now_;
  from_tunnel_ += bytes;
  if (ledger_ != nullptr) {
    line_from_tunnel().received_bytes.add(bytes);
    line_from_tunnel().held_bytes.add(bytes);
  }
  if (receive_window_.receive(bytes)) return true;
  why = PST_R_WINDOW_EXCEEDED;
  return false;
}

/// Writes into the link; a failure ends the stream, and `this` with it.
IoResult Stream::write_through(Bytes bytes, bool more) {
  const IoResult result = link_->write(bytes, more);
  if (result.status == IoStatus::kFailed) {
    carrier_.source_failed(*this, result.error);
    return result;
  }
  if (result.bytes < bytes.size()) link_->await_writable();
  if (result.bytes > 0) consumed(result.bytes);
  return result;
}

bool Stream::hold(Bytes bytes, Reason& why) {
  if (carrier_.mode_ != Mode::kPenstock) {
    const std::uint64_t needed = queue_.size() + bytes.size();
    const std::uint64_t covered = wire::kInitialCredit + drawn_;
    if (needed > covered) drawn_ += carrier_.budget_.draw(needed - covered);
    if (needed > wire::kInitialCredit + drawn_) {
      why = PST_R_WINDOW_BUDGET;
      return false;
    }
  }
  queue_.append(bytes);
  return true;
}

void Stream::consumed(std::size_t bytes) {
  active_ = carrier_.now_;
  delivered_ += bytes;
  if (ledger_ != nullptr) {
    line_from_tunnel().held_bytes.subtract(bytes);
    line_from_tunnel().sent_bytes.add(bytes);
  }
  const std::uint32_t grant = receive_window_.consume(bytes, carrier_.now_);
  if (grant == 0 || peer_ended_) return;
  carrier_.grant(*this, grant);
}

void Stream::peer_ended() {
  peer_ended_ = true;
  active_ = carrier_.now_;
  finish_if_drained();
}

void Stream::drain_queue() {
  Carrier& carrier = carrier_;  // outlives this stream, which may end below
  while (!queue_.empty()) {
    const Bytes piece = queue_.front();
    const IoResult result = write_through(piece, queue_.size() > piece.size());
    if (result.status == IoStatus::kFailed) return;
    if (result.bytes > 0) queue_.consume(result.bytes);
    if (result.bytes < piece.size()) break;
  }
  if (queue_.empty() && drawn_ > 0) {
    carrier_.budget_.give_back(drawn_);
    drawn_ = 0;
  }
  finish_if_drained();
  carrier.flush_soon();
}

void Stream::finish_if_drained() {
  if (!peer_ended_ || finished_ || !queue_.empty() || link_ == nullptr) return;
  finished_ = true;
  link_->finish();
  carrier_.stream_is_done(*this);
}

void Stream::on_readable() {
  carrier_.now_ = carrier_.loop_.now();
  readable_ = true;
  if (!wants_to_send()) {
    if (!source_ended_) link_->await_failure();
    return;
  }
  carrier_.scheduler_.add(*this);
  carrier_.flush_soon();
}

void Stream::on_writable() {
  carrier_.now_ = carrier_.loop_.now();
  drain_queue();
}

void Stream::on_broken(const boost::system::error_code& error) {
  carrier_.now_ = carrier_.loop_.now();
  carrier_.source_failed(*this, error);
}

void Stream::enter(ServiceLedger& ledger) {
  ledger_ = &ledger;
  ledger.open_flow();
}

LedgerLine& Stream::line_from_tunnel() const {
  return carrier_.side_ == Side::kHub ? ledger_->flows_to_backend : ledger_->flows_to_client;
}

/// What is read goes into the tunnel at once, so it is never held.
void Stream::passed_to_tunnel(std::size_t bytes) {
  if (ledger_ == nullptr) return;
  LedgerLine& line = carrier_.side_ == Side::kHub ? ledger_->flows_to_client : ledger_->flows_to_backend;
  line.received_bytes.add(bytes);
  line.sent_bytes.add(bytes);
}

/// What was not delivered is lost with the flow.
void Stream::close_books(Reason reason) {
  if (ledger_ == nullptr) return carrier_.nobody_.refuse_flow(reason);
  line_from_tunnel().held_bytes.subtract(from_tunnel_ - delivered_);
  line_from_tunnel().dropped_bytes.add(from_tunnel_ - delivered_);
  ledger_->end_flow(reason);
}

/// Moves what was counted since the last time into the service's book.
void Stream::settle() {
  if (flow_.book == nullptr) return;
  const bool at_edge = carrier_.side_ == Side::kEdge;
  const std::uint64_t out = to_tunnel_ - settled_to_tunnel_;
  const std::uint64_t in = from_tunnel_ - settled_from_tunnel_;
  settled_to_tunnel_ = to_tunnel_;
  settled_from_tunnel_ = from_tunnel_;
  flow_.book->to_backend.fetch_add(at_edge ? out : in, std::memory_order_relaxed);
  flow_.book->to_client.fetch_add(at_edge ? in : out, std::memory_order_relaxed);
}

}  // namespace penstock
