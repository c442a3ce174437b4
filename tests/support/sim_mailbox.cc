#include "support/sim_mailbox.h"

#include <algorithm>
#include <vector>

namespace penstock {

void SimMailbox::put(Letter letter) {
  if (closed_) return;
  if (letters_.size() < kRoom) {
    letters_.push_back(std::move(letter));
  } else {
    ++thrown_away_;
  }
  wake();
}

void SimMailbox::attach(Loop& loop, UdpObserver& observer) {
  loop_ = &loop;
  observer_ = &observer;
  if (!letters_.empty()) wake();
}

void SimMailbox::close() {
  closed_ = true;
  observer_ = nullptr;
  letters_.clear();
}

void SimMailbox::wake() {
  if (loop_ == nullptr || std::exchange(awake_, true)) return;
  loop_->post([self = shared_from_this()] {
    self->awake_ = false;
    if (!self->closed_) self->tell();
  });
}

void SimMailbox::tell() {
  const auto end = letters_.begin() + static_cast<std::ptrdiff_t>(std::min(letters_.size(), kTurn));
  const std::vector<Letter> turn{std::make_move_iterator(letters_.begin()), std::make_move_iterator(end)};
  letters_.erase(letters_.begin(), end);
  std::vector<ReceivedDatagram> datagrams;
  datagrams.reserve(turn.size());
  for (const Letter& each : turn)
    datagrams.push_back(
        {.peer = each.peer, .local = each.local, .payload = as_bytes(each.payload), .ecn = each.ecn});
  if (!letters_.empty()) wake();
  const std::uint64_t overrun = std::exchange(thrown_away_, 0);
  observer_->on_datagrams(datagrams);
  if (overrun > 0 && observer_ != nullptr) observer_->on_overrun(overrun);
}

}  // namespace penstock
