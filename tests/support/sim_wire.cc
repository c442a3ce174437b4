#include "support/sim_wire.h"

namespace penstock {
namespace {

namespace errc = boost::system::errc;

boost::system::error_code code(errc::errc_t which) {
  return {which, boost::system::system_category()};
}

}  // namespace

SimWire::SimWire(SimClock& clock, SimFaults& faults, const SimPath& path, const Endpoint& dialler,
                 const Endpoint& listener, std::uint64_t seed)
    : clock_{clock},
      faults_{faults},
      delay_{path.delay},
      up_{clock, path, seed},
      down_{clock, path, seed + 1} {
  ends_[kDialler] = {.address = dialler, .out = &up_, .in = &down_};
  ends_[kListener] = {.address = listener, .out = &down_, .in = &up_};
  for (const Side side : {kDialler, kListener}) {
    ends_[side].in->on_readable = [this, side] { arrived(side); };
    ends_[side].out->on_writable = [this, side] { wake_writer(side); };
  }
}

SimWire::~SimWire() {
  for (const End& end : ends_) clock_.cancel(end.reset);
}

void SimWire::cut() {
  for (const Side side : {kDialler, kListener}) break_end(side, code(errc::connection_reset));
}

void SimWire::lose(Side side) {
  stall(std::chrono::hours{1'000'000});
  ends_[side].error = code(errc::connection_reset);
  wake_all(side);
}

void SimWire::stall(Duration span) {
  up_.stall(span);
  down_.stall(span);
}

void SimWire::attach(Side side, Loop& loop, std::size_t unsent_limit) {
  ends_[side].loop = &loop;
  ends_[side].out->limit_unsent(unsent_limit);
}

void SimWire::leave(Side side) {
  End& end = ends_[side];
  ++end.stay;
  end.observer = nullptr;
  end.read_wait = end.write_wait = end.failure_wait = Wait::kNone;
}

void SimWire::await_readable(Side side) {
  End& end = ends_[side];
  if (end.read_wait == Wait::kNone) end.read_wait = Wait::kAsked;
  if (end.error || end.in->readable()) wake_reader(side);
}

void SimWire::await_failure(Side side) {
  End& end = ends_[side];
  if (end.failure_wait == Wait::kNone) end.failure_wait = Wait::kAsked;
  if (end.error) wake_for_failure(side);
}

void SimWire::await_writable(Side side) {
  End& end = ends_[side];
  if (end.write_wait == Wait::kNone) end.write_wait = Wait::kAsked;
  if (end.error || end.out->writable()) wake_writer(side);
}

template <class Tell>
void SimWire::wake(Side side, Wait End::*wait, Tell tell) {
  if (ends_[side].*wait != Wait::kAsked) return;
  ends_[side].*wait = Wait::kPosted;
  ends_[side].loop->post([self = shared_from_this(), side, wait, tell, stay = ends_[side].stay] {
    End& end = self->ends_[side];
    if (end.stay != stay) return;
    end.*wait = Wait::kNone;
    if (end.observer != nullptr) tell(end);
  });
}

void SimWire::wake_reader(Side side) {
  wake(side, &End::read_wait, [](const End& end) { end.observer->on_readable(); });
}

void SimWire::wake_writer(Side side) {
  wake(side, &End::write_wait, [](const End& end) { end.observer->on_writable(); });
}

void SimWire::wake_for_failure(Side side) {
  wake(side, &End::failure_wait, [](const End& end) { end.observer->on_broken(end.error); });
}

void SimWire::arrived(Side side) {
  End& end = ends_[side];
  if (!end.closed) return wake_reader(side);
  if (end.in->unread() > 0) send_reset(side);
}

IoResult SimWire::struck(Side side) {
  break_end(other(side), code(errc::connection_reset));
  break_end(side, code(errc::io_error));
  return {0, IoStatus::kFailed, ends_[side].error};
}

IoResult SimWire::read(Side side, MutableBytes into) {
  End& end = ends_[side];
  if (end.error) return {0, IoStatus::kFailed, end.error};
  if (faults_.strike()) return struck(side);
  if (const std::size_t count = end.in->read(into); count > 0) return {count, IoStatus::kDone, {}};
  return {0, end.in->ended() ? IoStatus::kEnd : IoStatus::kBlocked, {}};
}

IoResult SimWire::write(Side side, Bytes from) {
  End& end = ends_[side];
  if (end.error) return {0, IoStatus::kFailed, end.error};
  if (faults_.strike()) return struck(side);
  const std::size_t count = end.out->write(from);
  return {count, count > 0 || from.empty() ? IoStatus::kDone : IoStatus::kBlocked, {}};
}

void SimWire::close(Side side, bool reset) {
  End& end = ends_[side];
  end.observer = nullptr;
  end.read_wait = end.write_wait = end.failure_wait = Wait::kNone;
  end.closed = true;
  if (end.error) return;
  if (reset || end.in->unread() > 0) {
    send_reset(side);
  } else {
    end.out->finish();
  }
}

void SimWire::send_reset(Side from) {
  ends_[from].in->abandon();
  ends_[from].out->abandon();
  const Side to = other(from);
  if (ends_[to].reset.number != 0) return;
  ends_[to].reset = clock_.schedule(clock_.now() + delay_, this,
                                    [this, to] { break_end(to, code(errc::connection_reset)); });
}

void SimWire::break_end(Side side, const boost::system::error_code& error) {
  End& end = ends_[side];
  if (end.error || end.closed) return;
  end.error = error;
  end.in->abandon();
  end.out->abandon();
  wake_all(side);
}

void SimWire::wake_all(Side side) {
  wake_reader(side);
  wake_writer(side);
  wake_for_failure(side);
}

}  // namespace penstock
