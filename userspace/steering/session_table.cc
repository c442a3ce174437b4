#include "steering/session_table.h"

#include <algorithm>
#include <cstdlib>

namespace penstock {

static_assert(sizeof(Session) == 128, "with 8 bytes for each of 2 to 4 buckets, under 200 bytes a session");

SessionTable::SessionTable(std::uint32_t first_slot, std::uint32_t capacity, Duration unreplied)
    : first_slot_{first_slot},
      capacity_{capacity},
      unreplied_{unreplied},
      by_path_{capacity, SipKey::random()} {
  if (first_slot > SessionId::kSlots || capacity > SessionId::kSlots - first_slot) std::abort();
  chunks_.reserve((capacity + kChunk - 1) / kChunk);
}

SessionTable::~SessionTable() = default;

Session* SessionTable::find(const SessionPath& path) {
  const std::uint32_t index =
      by_path_.find(path, [this](std::uint32_t i) -> const SessionPath& { return at(i).path; });
  return index == kNone ? nullptr : &at(index);
}

SessionTable::Found SessionTable::find(SessionId id) {
  const bool made = id.generation() > 0 && id.generation() < SessionId::kGenerations;
  if (!made || id.slot() < first_slot_ || id.slot() - first_slot_ >= used_) return {};
  Session& session = at(id.slot() - first_slot_);
  if (!session.live_ || session.id != id) return {.lookup = Lookup::kStale};
  return {.session = &session, .lookup = Lookup::kFound};
}

Session* SessionTable::add(const SessionPath& path, Duration idle, Time now) {
  if (size_ == capacity_) return nullptr;
  const std::uint32_t index = take_slot();
  Session& session = at(index);
  const std::uint32_t generation = session.id.generation() % (SessionId::kGenerations - 1) + 1;
  session = Session{};
  session.id = SessionId{first_slot_ + index, generation};
  session.path = path;
  session.idle = idle;
  session.opened = now;
  session.client_sent = now;
  session.live_ = true;
  append_unassured(session);
  by_path_.insert(path, index);
  ++size_;
  return &session;
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
  session.path = path;
  session.state = SessionState::kAssured;
  session.idle = idle;
  session.opened = session.client_sent = now;
  session.live_ = true;
  by_path_.insert(path, index);
  ++size_;
  return &session;
}

Session* SessionTable::oldest_unassured() {
  return oldest_ == kNone ? nullptr : &at(oldest_);
}

void SessionTable::remove(Session& session) {
  if (!session.live_) std::abort();
  by_path_.erase(session.path, index_of(session));
  if (session.state != SessionState::kAssured) take_out_unassured(session);
  free_slot(session);
  --size_;
}

void SessionTable::client_sent(Session& session, std::size_t bytes, Time now) {
  session.client_sent = now;
  ++session.to_backend_datagrams;
  session.to_backend_bytes += bytes;
  if (session.state == SessionState::kReplied) assure(session);
}

void SessionTable::backend_sent(Session& session, std::size_t bytes, Time now) {
  session.backend_sent = now;
  ++session.to_client_datagrams;
  session.to_client_bytes += bytes;
  if (session.state == SessionState::kUnreplied) session.state = SessionState::kReplied;
}

void SessionTable::forwarded(Session& session, const ForwardedTraffic& more) {
  const bool answered_before = session.state == SessionState::kReplied;
  session.client_sent = std::max(session.client_sent, more.client_sent);
  session.backend_sent = std::max(session.backend_sent, more.backend_sent);
  session.to_backend_datagrams += more.to_backend_datagrams;
  session.to_backend_bytes += more.to_backend_bytes;
  session.to_client_datagrams += more.to_client_datagrams;
  session.to_client_bytes += more.to_client_bytes;
  if (session.state == SessionState::kUnreplied && more.to_client_datagrams > 0)
    session.state = SessionState::kReplied;
  const bool again =
      more.to_backend_datagrams > 0 && (answered_before || more.client_sent > session.backend_sent);
  if (session.state == SessionState::kReplied && again) assure(session);
}

void SessionTable::expire(Time now, std::size_t slots, const std::function<void(Session&)>& refresh,
                          const std::function<void(Session&)>& over) {
  for (std::size_t left = std::min<std::size_t>(slots, used_); left > 0; --left) {
    if (next_ >= used_) next_ = 0;
    Session& session = at(next_++);
    if (!session.live_) continue;
    refresh(session);
    if (is_over(session, now)) over(session);
  }
}

void SessionTable::for_each(const std::function<void(Session&)>& visit) {
  for (std::uint32_t index = 0; index < used_; ++index) {
    if (at(index).live_) visit(at(index));
  }
}

std::uint32_t SessionTable::take_slot() {
  const std::uint32_t freed = used_ - size_;
  if (freed <= kResting && used_ < capacity_) return take_fresh_slot();
  const std::uint32_t index = first_freed_;
  first_freed_ = at(index).newer_;
  if (first_freed_ == kNone) last_freed_ = kNone;
  return index;
}

std::uint32_t SessionTable::take_fresh_slot() {
  if (used_ % kChunk == 0)
    chunks_.push_back(std::make_unique<Session[]>(std::min(kChunk, capacity_ - used_)));
  return used_++;
}

/// The slot keeps the id, from which the next session gets its generation.
void SessionTable::free_slot(Session& session) {
  const std::uint32_t index = index_of(session);
  session.live_ = false;
  session.newer_ = kNone;
  (last_freed_ == kNone ? first_freed_ : at(last_freed_).newer_) = index;
  last_freed_ = index;
}

void SessionTable::append_unassured(Session& session) {
  const std::uint32_t index = index_of(session);
  session.older_ = newest_;
  session.newer_ = kNone;
  (newest_ == kNone ? oldest_ : at(newest_).newer_) = index;
  newest_ = index;
}

void SessionTable::assure(Session& session) {
  session.state = SessionState::kAssured;
  take_out_unassured(session);
}

void SessionTable::take_out_unassured(Session& session) {
  (session.older_ == kNone ? oldest_ : at(session.older_).newer_) = session.newer_;
  (session.newer_ == kNone ? newest_ : at(session.newer_).older_) = session.older_;
}

bool SessionTable::is_over(const Session& session, Time now) const {
  const Duration allowed = session.state == SessionState::kAssured ? session.idle : unreplied_;
  return now - std::max(session.client_sent, session.backend_sent) >= allowed;
}

}  // namespace penstock
