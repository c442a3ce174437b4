#include "linkem/emulator.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace penstock::linkem {
namespace {

constexpr Duration kLongestWait = std::chrono::milliseconds{100};
/// What arrived and could not be sent is tried again so soon, and what is nearly due waits so long.
constexpr Duration kShortestWait = std::chrono::microseconds{50};

Impairments back(Impairments impairments) {
  ++impairments.seed;
  return impairments;
}

timespec timespec_of(Duration span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds{span - seconds}.count()};
}

}  // namespace

Emulator::Emulator(Port left, Port right, const Impairments& impairments)
    : left_{std::move(left)}, right_{std::move(right)}, to_right_{impairments}, to_left_{back(impairments)} {}

Result<Emulator> Emulator::open(const Options& options) {
  auto left = Port::open(options.left);
  if (!left) return left.error();
  auto right = Port::open(options.right);
  if (!right) return right.error();
  return Emulator{std::move(*left), std::move(*right), options.impairments};
}

Result<void> Emulator::run(Time end, const volatile std::sig_atomic_t& stop, const sigset_t& waiting) {
  while (stop == 0 && Clock::now() < end) {
    if (auto waited = wait(end, waiting); !waited) return waited;
    const Time now = Clock::now();
    if (auto carried = carry(left_, to_right_, right_, now); !carried) return carried;
    if (auto carried = carry(right_, to_left_, left_, now); !carried) return carried;
  }
  return {};
}

/// Until frames come or arrive, a signal comes, or it is time to look whether all is over.
Result<void> Emulator::wait(Time end, const sigset_t& waiting) {
  std::array<pollfd, 2> ports{{{.fd = left_.descriptor(), .events = POLLIN, .revents = 0},
                               {.fd = right_.descriptor(), .events = POLLIN, .revents = 0}}};
  const Time now = Clock::now();
  const Time next = std::min({to_right_.next(), to_left_.next(), end, now + kLongestWait});
  const timespec most = timespec_of(std::max<Duration>(next - now, kShortestWait));
  if (::ppoll(ports.data(), ports.size(), &most, &waiting) < 0 && errno != EINTR)
    return system_error("cannot wait for frames", errno);
  return {};
}

/// What arrived makes room for what came.
Result<void> Emulator::carry(Port& from, Line& line, Port& to, Time now) {
  if (auto delivered = deliver(line, to, now); !delivered) return delivered;
  const auto frames = from.receive();
  if (!frames) return frames.error();
  for (const Bytes frame : *frames) line.offer(frame, now);
  return {};
}

Result<void> Emulator::deliver(Line& line, Port& to, Time now) {
  std::array<Bytes, kBatch> frames;
  for (;;) {
    const std::size_t count = line.arrived(now, frames);
    if (count == 0) return {};
    const auto sent = to.send(std::span{frames}.first(count));
    if (!sent) return sent.error();
    line.take(*sent);
    if (*sent < count) return {};
  }
}

DirectionReport Emulator::report_of(Port& from, const Line& line, const Port& to) {
  return {.line = line.counts(),
          .too_long = from.counts().too_long,
          .overrun = from.overrun(),
          .refused = to.counts().refused};
}

DirectionReport Emulator::to_right() {
  return report_of(left_, to_right_, right_);
}

DirectionReport Emulator::to_left() {
  return report_of(right_, to_left_, left_);
}

}  // namespace penstock::linkem
