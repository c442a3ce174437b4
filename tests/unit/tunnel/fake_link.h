// A link in memory, whose far end a test plays by hand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "net/link.h"
#include "net/loop.h"

namespace penstock {

/// The far end: what it says, what it heard, and how much room there is. It outlives the link.
class FakePeer : public std::enable_shared_from_this<FakePeer> {
 public:
  explicit FakePeer(Loop& loop) : loop_{loop} {}
  /// The near end; one for each peer.
  std::unique_ptr<Link> link();

  void say(std::string_view text) {
    said_ += text;
    wake();
  }
  /// Ends what it says, in order.
  void end() {
    ended_ = true;
    wake();
  }
  /// From now on reads, after what was said, and writes fail.
  void fail(boost::system::errc::errc_t why) {
    failure_ = make_error_code(why);
    wake();
  }
  /// Bytes that the link takes from now on; at first there is no bound.
  void set_room(std::size_t room) {
    room_ = room;
    wake();
  }

  const std::string& heard() const { return heard_; }
  std::size_t unread() const { return said_.size(); }
  bool finished() const { return finished_; }  // the near end ended its direction
  bool was_reset() const { return gone_ && reset_; }
  bool gone() const { return gone_; }  // the link was destroyed

 private:
  class Near;
  void wake();
  void look();

  Loop& loop_;
  std::string said_;
  std::string heard_;
  std::size_t room_ = SIZE_MAX;
  bool ended_ = false;
  boost::system::error_code failure_;
  bool finished_ = false;
  bool reset_ = false;
  bool gone_ = false;
  LinkObserver* observer_ = nullptr;
  bool waits_to_read_ = false;
  bool waits_to_write_ = false;
  bool waits_to_fail_ = false;
};

class FakePeer::Near final : public Link {
 public:
  explicit Near(std::shared_ptr<FakePeer> peer) : peer_{std::move(peer)} {}
  ~Near() override {
    peer_->observer_ = nullptr;
    peer_->gone_ = true;
  }
  void observe(LinkObserver* observer) override { peer_->observer_ = observer; }
  void await_readable() override {
    peer_->waits_to_read_ = true;
    peer_->wake();
  }
  void await_writable() override {
    peer_->waits_to_write_ = true;
    peer_->wake();
  }
  void await_failure() override {
    peer_->waits_to_fail_ = true;
    peer_->wake();
  }
  IoResult read(MutableBytes into) override {
    const std::size_t bytes = std::min(into.size(), peer_->said_.size());
    std::memcpy(into.data(), peer_->said_.data(), bytes);
    peer_->said_.erase(0, bytes);
    if (bytes > 0) return {bytes, IoStatus::kDone, {}};
    if (peer_->failure_) return {0, IoStatus::kFailed, peer_->failure_};
    return {0, peer_->ended_ ? IoStatus::kEnd : IoStatus::kBlocked, {}};
  }
  IoResult write(Bytes from, bool /*more*/) override {
    if (peer_->failure_) return {0, IoStatus::kFailed, peer_->failure_};
    const std::size_t bytes = std::min(from.size(), peer_->room_);
    peer_->heard_ += as_text(from.first(bytes));
    if (peer_->room_ != SIZE_MAX) peer_->room_ -= bytes;
    return {bytes, bytes > 0 ? IoStatus::kDone : IoStatus::kBlocked, {}};
  }
  void finish() override { peer_->finished_ = true; }
  void reset_on_close() override { peer_->reset_ = true; }
  void leave() override {
    peer_->observer_ = nullptr;
    peer_->waits_to_read_ = peer_->waits_to_write_ = peer_->waits_to_fail_ = false;
  }
  void join(Network& /*network: one loop has all fakes*/) override {}

 private:
  std::shared_ptr<FakePeer> peer_;
};

inline std::unique_ptr<Link> FakePeer::link() {
  return std::make_unique<Near>(shared_from_this());
}

inline void FakePeer::wake() {
  loop_.post([peer = shared_from_this()] { peer->look(); });
}

/// Any of the calls may destroy the link, and with it the observer.
inline void FakePeer::look() {
  const bool readable = !said_.empty() || ended_ || failure_;
  const bool writable = room_ > 0 || failure_;
  if (observer_ != nullptr && readable && std::exchange(waits_to_read_, false)) {
    observer_->on_readable();
  }
  if (observer_ != nullptr && writable && std::exchange(waits_to_write_, false)) {
    observer_->on_writable();
  }
  if (observer_ != nullptr && failure_ && std::exchange(waits_to_fail_, false))
    observer_->on_broken(failure_);
}

}  // namespace penstock
