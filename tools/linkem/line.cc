#include "linkem/line.h"

#include <algorithm>
#include <cmath>

namespace penstock::linkem {
namespace {

constexpr std::size_t kLeastRoom = 64;                 // bytes that a frame takes, however short it is
constexpr std::size_t kSpare = 64 * kLongestFrame;     // for frames that arrived and are not taken yet
constexpr std::uint64_t kNanoseconds = 1'000'000'000;  // of a second

std::uint64_t nanoseconds_of(Duration span) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds{span}.count());
}

/// Bytes that leave in that time.
std::uint64_t bytes_in(Duration span, std::uint64_t rate) {
  return static_cast<std::uint64_t>(static_cast<double>(nanoseconds_of(span)) * static_cast<double>(rate) /
                                    (8.0 * kNanoseconds));
}

Duration time_of(std::size_t bytes, std::uint64_t rate) {
  return std::chrono::nanoseconds{(bytes * 8 * kNanoseconds + rate - 1) / rate};
}

/// A frame in one piece may leave the end of the store unused.
std::uint64_t store_of(const Impairments& impairments) {
  return impairments.queue + bytes_in(impairments.delay, impairments.rate) + kSpare;
}

std::uint64_t flights_of(const Impairments& impairments) {
  return store_of(impairments) / kLeastRoom + 1;
}

}  // namespace

Line::Line(const Impairments& impairments)
    : impairments_{impairments},
      lost_below_{static_cast<std::uint64_t>(std::llround(std::ldexp(impairments.loss, 32)))},
      random_{static_cast<std::mt19937::result_type>(impairments.seed)},
      store_(store_of(impairments)),
      flights_(flights_of(impairments)) {}

std::uint64_t Line::memory_of(const Impairments& impairments) {
  return store_of(impairments) + flights_of(impairments) * sizeof(Flight);
}

void Line::offer(Bytes frame, Time now) {
  free_ = std::max(free_, now);
  if (bytes_in(free_ - now, impairments_.rate) + frame.size() > impairments_.queue) {
    ++counts_.dropped;
    return;
  }
  const Time departure = free_ + time_of(frame.size(), impairments_.rate);
  if (is_lost()) {
    ++counts_.lost;
  } else if (!keep(frame, departure + impairments_.delay)) {
    ++counts_.dropped;
    return;
  }
  free_ = departure;
}

bool Line::is_lost() {
  return random_() < lost_below_;
}

/// False without room.
bool Line::keep(Bytes frame, Time arrival) {
  const std::size_t room = std::max(frame.size(), kLeastRoom);
  const std::size_t begin = count_ == 0 ? 0 : oldest(0).begin;
  if (count_ == 0) end_ = 0;
  std::size_t place = end_;
  if (count_ == 0 || end_ > begin) {
    if (store_.size() - end_ < room) place = 0;
    if (place == 0 && count_ > 0 && begin <= room) return false;
  } else if (begin - end_ <= room) {
    return false;
  }
  std::ranges::copy(frame, store_.begin() + static_cast<std::ptrdiff_t>(place));
  flights_[(first_ + count_++) % flights_.size()] = {
      .arrival = arrival, .begin = place, .bytes = frame.size()};
  end_ = place + room;
  return true;
}

Time Line::next() const {
  return count_ == 0 ? kNever : oldest(0).arrival;
}

std::size_t Line::arrived(Time now, std::span<Bytes> out) const {
  std::size_t frames = 0;
  for (; frames < std::min(count_, out.size()) && oldest(frames).arrival <= now; ++frames)
    out[frames] = Bytes{store_}.subspan(oldest(frames).begin, oldest(frames).bytes);
  return frames;
}

void Line::take(std::size_t frames) {
  for (std::size_t i = 0; i < frames; ++i) counts_.bytes += oldest(i).bytes;
  counts_.passed += frames;
  first_ = (first_ + frames) % flights_.size();
  count_ -= frames;
}

}  // namespace penstock::linkem
