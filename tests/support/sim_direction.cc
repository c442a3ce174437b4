#include "support/sim_direction.h"

#include <algorithm>

namespace penstock {
namespace {

/// What a write takes whole when there is room for it, however small the path's pieces: as kernels do.
constexpr std::size_t kAlwaysTaken = 128;

}  // namespace

SimDirection::SimDirection(SimClock& clock, const SimPath& path, std::uint64_t seed)
    : clock_{clock}, path_{path}, random_{seed}, unsent_limit_{path.send_buffer} {}

SimDirection::~SimDirection() {
  clock_.cancel(pump_);
  clock_.cancel(arrival_);
}

void SimDirection::limit_unsent(std::size_t bytes) {
  if (bytes > 0) unsent_limit_ = std::min(bytes, path_.send_buffer);
}

std::size_t SimDirection::piece(std::size_t most) {
  if (path_.pieces == 0 || most <= 1) return most;
  return std::min(most, static_cast<std::size_t>(random_.between(1, path_.pieces)));
}

std::size_t SimDirection::write(Bytes from) {
  if (abandoned_) return from.size();  // lost, as its writer will learn
  if (!writable()) return 0;
  const std::size_t room = std::min(from.size(), unsent_limit_ - unsent_);
  const std::size_t taken = std::max(piece(room), std::min(room, kAlwaysTaken));
  bytes_.append(as_text(from.first(taken)));
  unsent_ += taken;
  pump_later(clock_.now());
  return taken;
}

std::size_t SimDirection::read(MutableBytes into) {
  const std::size_t count = piece(std::min(into.size(), arrived_));
  std::copy_n(bytes_.data() + head_, count, reinterpret_cast<char*>(into.data()));
  head_ += count;
  arrived_ -= count;
  carried_ += count;
  if (head_ > bytes_.size() / 2) {
    bytes_.erase(0, head_);
    head_ = 0;
  }
  if (count > 0 && unsent_ > 0) pump_later(clock_.now());
  return count;
}

void SimDirection::finish() {
  if (std::exchange(finished_, true)) return;
  pump_later(clock_.now());
}

void SimDirection::abandon() {
  abandoned_ = true;
  bytes_.clear();
  segments_.clear();
  head_ = arrived_ = flying_ = unsent_ = 0;
  end_flies_ = end_arrived_ = false;  // an end is behind all bytes
}

void SimDirection::stall(Duration span) {
  stalled_until_ = std::max(stalled_until_, clock_.now() + span);
}

void SimDirection::pump_later(Time at) {
  if (pump_.number != 0) return;
  pump_ = clock_.schedule(at, this, [this] {
    pump_ = {};
    pump();
  });
}

/// Puts segments on the wire while it is free and the reader has room for them.
void SimDirection::pump() {
  if (abandoned_) return;
  const bool was_writable = writable();
  while (unsent_ > 0) {
    if (free_at_ > clock_.now()) {
      pump_later(free_at_);
      break;
    }
    const std::size_t window = path_.receive_buffer - std::min(path_.receive_buffer, flying_ + arrived_);
    // No silly windows: a reader that takes single bytes makes no segments of single bytes.
    if (window < std::min({unsent_, path_.segment, path_.receive_buffer / 2})) break;
    launch(
        std::min({unsent_, window, path_.pieces == 0 ? path_.segment : random_.between(1, path_.segment)}));
  }
  if (unsent_ == 0 && finished_ && !end_flies_ && !end_arrived_) {
    end_flies_ = true;
    launch(0);
  }
  if (!was_writable && writable() && on_writable) on_writable();
}

void SimDirection::launch(std::size_t bytes) {
  unsent_ -= bytes;
  flying_ += bytes;
  const Time begin = std::max(free_at_, clock_.now());
  free_at_ = begin;
  if (path_.bytes_per_second > 0)
    free_at_ += std::chrono::nanoseconds{bytes * 1'000'000'000 / path_.bytes_per_second};
  if (path_.stall_chance > 0 && random_.chance(path_.stall_chance)) {
    stalled_until_ =
        std::max(stalled_until_,
                 free_at_ + Duration{random_.between(0, static_cast<std::uint64_t>(path_.stall.count()))});
  }
  segments_.push_back({bytes, free_at_ + path_.delay});
  await_arrival();
}

void SimDirection::await_arrival() {
  if (segments_.empty() || arrival_.number != 0) return;
  arrival_ = clock_.schedule(std::max(segments_.front().due, stalled_until_), this, [this] {
    arrival_ = {};
    arrive();
  });
}

void SimDirection::arrive() {
  bool news = false;
  while (!segments_.empty() && std::max(segments_.front().due, stalled_until_) <= clock_.now()) {
    const Segment segment = segments_.front();
    segments_.pop_front();
    flying_ -= segment.bytes;
    arrived_ += segment.bytes;
    if (segment.bytes == 0) end_arrived_ = true;
    news = true;
  }
  await_arrival();
  if (news && on_readable) on_readable();
}

}  // namespace penstock
