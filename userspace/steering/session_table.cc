#include "steering/session_table.h"

#include <algorithm>
#include <cstdlib>

namespace penstock {

static_assert(sizeof(Session) == 64 && sizeof(SessionTraffic) == 32,
              "with 4 bytes for each of 2 to 4 buckets, at most 112 bytes a session");

SessionTable::SessionTable(std::uint32_t first_slot, std::uint32_t capacity, Duration unreplied)
    : first_slot_{first_slot},
      capacity_{capacity},
      unreplied_{unreplied},
      by_path_{capacity, SipKey::random()} {
  if (first_slot > SessionId::kSlots || capacity > SessionId::kSlots - first_slot) std::abort();
  chunks_.reserve((capacity + kChunk - 1) / kChunk);
}

SessionTable::~SessionTable() = default;

/// Whoever looks a session up counts its datagram next: both lines come from memory at the same time.
Session* SessionTable::find(const SessionPath& path) {
  const std::uint32_t index = by_path_.find(path, [this](std::uint32_t i) -> const SessionPath& {
    __builtin_prefetch(&traffic_at(i), 1);
    return at(i).path;
  });
  return index == PathIndex::kNone ? nullptr : &at(index);
}

SessionTable::Found SessionTable::find(SessionId id) {
  const bool made = id.generation() > 0 && id.generation() < SessionId::kGenerations;
  if (!made || id.slot() < first_slot_ || id.slot() - first_slot_ >= used_) return {};
  __builtin_prefetch(&traffic_at(id.slot() - first_slot_), 1);
  Session& session = at(id.slot() - first_slot_);
  if (session.live_ == 0 || session.id != id) return {.lookup = Lookup::kStale};
  return {.session = &session, .lookup = Lookup::kFound};
}

Session* SessionTable::add(const SessionPath& path, Duration idle, Time now) {
  if (size_ == capacity_) return nullptr;
  const std::uint32_t index = take_slot();
  Session& session = at(index);
  const std::uint32_t generation = session.id.generation() % (SessionId::kGenerations - 1) + 1;
  session = Session{};
  session.id = SessionId{first_slot_ + index, generation};
  traffic_at(index) = {};
  begin(session, path, idle, now);
  append_unassured(session);
  return &session;
}

void SessionTable::begin(Session& session, const SessionPath& path, Duration idle, Time now) {
  session.path = path;
  session.last_sent = now;
  session.set_opened(now);
  set_idle(session, idle);
  session.live_ = 1;
  by_path_.insert(path, index_of(session));
  ++size_;
}

void SessionTable::set_idle(Session& session, Duration idle) {
  session.set_idle(std::clamp<Duration>(idle, Duration{}, Session::kLongestIdle));
}

/// The slots before it had sessions that are gone: they are free, and their next generation is any.
Session* SessionTable::restore(SessionId id, const SessionPath& path, Duration idle, Time now) {
  const bool made = id.generation() > 0 && id.generation() < SessionId::kGenerations;
  if (!made || id.slot() < first_slot_ + used_ || id.slot() - first_slot_ >= capacity_) return nullptr;
  const std::uint32_t index = id.slot() - first_slot_;
  while (used_ <= index) {
    Session& session = at(take_fresh_slot());
    session.id = SessionId{first_slot_ + used_ - 1, id.generation()};
    if (used_ <= index) free_slot(session);
  }
  Session& session = at(index);
  session.id = id;
  session.set_state(SessionState::kAssured);
  begin(session, path, idle, now);
  return &session;
}

Session* SessionTable::oldest_unassured() {
  return oldest_ == kNone ? nullptr : &at(oldest_);
}

void SessionTable::remove(Session& session) {
  if (session.live_ == 0) std::abort();
  by_path_.erase(session.path, index_of(session),
                 [this](std::uint32_t i) -> const SessionPath& { return at(i).path; });
  if (session.state() != SessionState::kAssured) take_out_unassured(session);
  free_slot(session);
  --size_;
}

void SessionTable::client_sent(Session& session, std::size_t bytes, Time now) {
  session.last_sent = now;
  SessionTraffic& traffic = traffic_at(index_of(session));
  ++traffic.to_backend_datagrams;
  traffic.to_backend_bytes += bytes;
  if (session.state() == SessionState::kReplied) assure(session);
}

void SessionTable::backend_sent(Session& session, std::size_t bytes, Time now) {
  session.last_sent = now;
  SessionTraffic& traffic = traffic_at(index_of(session));
  ++traffic.to_client_datagrams;
  traffic.to_client_bytes += bytes;
  if (session.state() == SessionState::kUnreplied) session.set_state(SessionState::kReplied);
}

/// The answer after which a client sent again is one of this call, unless there was one before it.
void SessionTable::forwarded(Session& session, const ForwardedTraffic& more) {
  const bool answered_before = session.state() == SessionState::kReplied;
  session.last_sent = std::max({session.last_sent, more.client_sent, more.backend_sent});
  SessionTraffic& traffic = traffic_at(index_of(session));
  traffic.to_backend_datagrams += more.to_backend_datagrams;
  traffic.to_backend_bytes += more.to_backend_bytes;
  traffic.to_client_datagrams += more.to_client_datagrams;
  traffic.to_client_bytes += more.to_client_bytes;
  if (session.state() == SessionState::kUnreplied && more.to_client_datagrams > 0)
    session.set_state(SessionState::kReplied);
  const bool again =
      more.to_backend_datagrams > 0 && (answered_before || more.client_sent > more.backend_sent);
  if (session.state() == SessionState::kReplied && again) assure(session);
}

void SessionTable::expire(Time now, std::size_t slots, const std::function<void(Session&)>& refresh,
                          const std::function<void(Session&)>& over) {
  for (std::size_t left = std::min<std::size_t>(slots, used_); left > 0; --left) {
    if (next_ >= used_) next_ = 0;
    Session& session = at(next_++);
    if (session.live_ == 0) continue;
    refresh(session);
    if (is_over(session, now)) over(session);
  }
}

void SessionTable::for_each(const std::function<void(Session&)>& visit) {
  for (std::uint32_t index = 0; index < used_; ++index) {
    if (at(index).live_ != 0) visit(at(index));
  }
}

std::uint32_t SessionTable::take_slot() {
  const std::uint32_t freed = used_ - size_;
  if (freed <= kResting && used_ < capacity_) return take_fresh_slot();
  const std::uint32_t index = first_freed_;
  first_freed_ = at(index).newer();
  if (first_freed_ == kNone) last_freed_ = kNone;
  return index;
}

std::uint32_t SessionTable::take_fresh_slot() {
  if (used_ % kChunk == 0) chunks_.push_back(std::make_unique<Chunk>());
  return used_++;
}

/// The slot keeps the id, from which the next session gets its generation.
void SessionTable::free_slot(Session& session) {
  const std::uint32_t index = index_of(session);
  session.live_ = 0;
  session.set_newer(kNone);
  if (last_freed_ == kNone) {
    first_freed_ = index;
  } else {
    at(last_freed_).set_newer(index);
  }
  last_freed_ = index;
}

void SessionTable::append_unassured(Session& session) {
  const std::uint32_t index = index_of(session);
  session.set_older(newest_);
  session.set_newer(kNone);
  if (newest_ == kNone) {
    oldest_ = index;
  } else {
    at(newest_).set_newer(index);
  }
  newest_ = index;
}

void SessionTable::assure(Session& session) {
  session.set_state(SessionState::kAssured);
  take_out_unassured(session);
}

void SessionTable::take_out_unassured(Session& session) {
  if (session.older() == kNone) {
    oldest_ = session.newer();
  } else {
    at(session.older()).set_newer(session.newer());
  }
  if (session.newer() == kNone) {
    newest_ = session.older();
  } else {
    at(session.newer()).set_older(session.older());
  }
}

bool SessionTable::is_over(const Session& session, Time now) const {
  const Duration allowed = session.state() == SessionState::kAssured ? session.idle() : unreplied_;
  return now - session.last_sent >= allowed;
}

}  // namespace penstock
