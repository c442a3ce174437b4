#include "sim/sim_peer.h"

#include <array>
#include <utility>

namespace penstock {
namespace {

constexpr std::size_t kPiece = 65536;
constexpr std::size_t kHeaderPiece = 107;  // a whole PROXY line, and little of what follows it

MutableBytes scratch() {
  static std::array<std::byte, kPiece> buffer;
  return buffer;
}

}  // namespace

SimPeer::SimPeer(Loop& loop, std::unique_ptr<Link> link)
    : loop_{loop}, link_{std::move(link)}, pause_{loop.make_timer([this] { link_->await_readable(); })} {
  link_->observe(this);
}

void SimPeer::begin(const PeerPlan& plan, const Pattern& sends, const Pattern& expects) {
  plan_ = plan;
  sends_ = sends;
  expects_ = expects;
  const bool first = !std::exchange(begun_, true);
  if (first && who_ == nullptr && plan_.reads) link_->await_readable();
  if (!plan_.reads) link_->await_failure();
  send();
}

void SimPeer::await_header(std::function<void(SimPeer&, const ProxyAddresses&)> who) {
  who_ = std::move(who);
  link_->await_readable();
}

void SimPeer::reset() {
  if (link_ != nullptr) link_->reset_on_close();
  stop();
}

void SimPeer::read_freely() {
  plan_.reads = true;
  plan_.take = kPiece;
  plan_.pause = {};
  if (link_ != nullptr) link_->await_readable();
}

void SimPeer::stop() {
  pause_->cancel();
  link_.reset();
}

std::uint64_t SimPeer::may_send() const {
  if (!begun_ || (plan_.after_end && !other_ended_)) return 0;
  const std::uint64_t most = plan_.echo ? std::min(plan_.send, received_) : plan_.send;
  return most - std::min(most, sent_);
}

void SimPeer::send() {
  while (link_ != nullptr && may_send() > 0) {
    const MutableBytes piece = scratch().first(std::min<std::uint64_t>(may_send(), kPiece));
    sends_.fill(sent_, piece);
    const IoResult result = link_->write(piece, false);
    sent_ += result.bytes;
    if (result.status == IoStatus::kFailed) {
      reset_ = true;
      return stop();
    }
    if (result.bytes < piece.size()) return link_->await_writable();
  }
  if (link_ == nullptr || !begun_ || sent_ < plan_.send || !plan_.finish || finished_) return;
  if (plan_.after_end && !other_ended_) return;
  finished_ = true;
  link_->finish();
  if (other_ended_) stop();
}

void SimPeer::on_readable() {
  while (link_ != nullptr) {
    const IoResult result =
        link_->read(scratch().first(begun_ ? std::min(plan_.take, kPiece) : kHeaderPiece));
    if (result.bytes > 0) take(scratch().first(result.bytes));
    if (result.status == IoStatus::kBlocked) return link_->await_readable();
    if (result.status == IoStatus::kEnd) {
      other_ended_ = true;
      if (finished_ || !begun_) return stop();
      link_->await_failure();
      return send();
    }
    if (result.status == IoStatus::kFailed) {
      reset_ = true;
      return stop();
    }
    if (begun_ && !plan_.reads) return;
    if (plan_.pause > Duration{}) return pause_->arm(loop_.now() + plan_.pause);
  }
}

/// Of one that does not read.
void SimPeer::on_broken(const boost::system::error_code& /*error*/) {
  reset_ = true;
  stop();
}

void SimPeer::take(Bytes bytes) {
  if (who_ != nullptr && !begun_ && !take_header(bytes)) return;
  if (!wrong_at_ && !expects_.matches(received_, bytes)) wrong_at_ = received_;
  received_ += bytes.size();
  if (plan_.echo) send();
}

bool SimPeer::take_header(Bytes& bytes) {
  while (!bytes.empty() && !header_.ends_with("\r\n")) {
    header_ += as_text(bytes.first(1));
    bytes = bytes.subspan(1);
  }
  if (!header_.ends_with("\r\n")) return false;
  const auto parsed = parse_proxy_v1(header_);
  const std::vector<std::byte> rest{bytes.begin(),
                                    bytes.end()};  // begin() may use the buffer that they are in
  if (parsed) who_(*this, *parsed);
  if (!begun_) {
    reset();
    return false;
  }
  if (!rest.empty()) take(rest);
  return false;
}

}  // namespace penstock
