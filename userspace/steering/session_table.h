// The UDP sessions of one worker: by path for what arrives, by id for what leaves, and how each one ends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/time.h"
#include "steering/path_index.h"
#include "steering/session.h"
#include "steering/session_id.h"

namespace penstock {

/// A fixed number of slots, used again first in, first out, each time with another generation, so that an id
/// that is gone is recognised. A slot that was freed waits until more than kResting of them do, or until no
/// slot is left that never was used: so an id does not come back quickly, and yet memory grows only with the
/// sessions that there ever were at once. The path index is allocated once, sessions by the chunk, and
/// nothing for a datagram. Pure; one thread.
///
/// A session is unassured until its backend answers and its client sends again; until then it may be quiet
/// for `unreplied` only, and the oldest of them makes room when the table is full. An assured one ends only
/// by silence, or by its owner.
class SessionTable {
 public:
  static constexpr std::uint32_t kResting = 1024;

  enum class Lookup { kFound, kStale, kUnknown };
  struct Found {
    Session* session = nullptr;
    Lookup lookup = Lookup::kUnknown;  // kStale: the slot belongs to another session now, or to none
  };

  /// Slots first_slot ... first_slot + capacity - 1 of the node; aborts when not all are within
  /// SessionId::kSlots.
  SessionTable(std::uint32_t first_slot, std::uint32_t capacity, Duration unreplied);
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  Session* find(const SessionPath& path);
  /// Any id, as the wire has it. Unknown: not of this table, of a slot that no session had yet, or with a
  /// generation that no session has.
  Found find(SessionId id);

  /// A new session; null when every slot is taken. No session may have that path.
  Session* add(const SessionPath& path, Duration idle, Time now);
  /// A session of the process before, with the id it had; before the first add(), in the order of slots. It
  /// counts as assured. Null when the id is not of this table, or not behind those restored before.
  Session* restore(SessionId id, const SessionPath& path, Duration idle, Time now);
  /// The unreplied or replied session that was opened first; null when all are assured.
  Session* oldest_unassured();
  /// Ends it; aborts when that was done before.
  void remove(Session& session);

  /// Counts a datagram in either direction, and moves the state on.
  void client_sent(Session& session, std::size_t bytes, Time now);
  void backend_sent(Session& session, std::size_t bytes, Time now);

  /// Adds what programs forwarded since the last call. Times are of the last datagrams only: a client counts
  /// as having sent again when it did so after the last answer, or after an answer of an earlier call.
  void forwarded(Session& session, const ForwardedTraffic& more);

  /// Calls `over` for each session for which neither side has sent for `unreplied` or longer, or its idle
  /// time once it is assured. Looks at no more than `slots` slots, at none twice, from where the last call
  /// ended; `over` may remove the session it is given, and no other, and adds none.
  void expire(Time now, std::size_t slots, const std::function<void(Session&)>& over) {
    expire(
        now, slots, [](Session&) {}, over);
  }
  /// The same, with a call of `refresh` for each session it looks at, before it is judged.
  void expire(Time now, std::size_t slots, const std::function<void(Session&)>& refresh,
              const std::function<void(Session&)>& over);
  /// Another idle time for a session; more than Session::kLongestIdle is that.
  void set_idle(Session& session, Duration idle);
  /// Visits all sessions; `visit` may remove the one it is given, and no other, and adds none.
  void for_each(const std::function<void(Session&)>& visit);

  std::size_t size() const { return size_; }
  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t first_slot() const { return first_slot_; }
  /// Index of a session among this table's slots, from 0: where its owner may keep what else it knows of it.
  std::uint32_t index_of(const Session& session) const { return session.id.slot() - first_slot_; }
  /// The session that has that index now.
  Session& session(std::uint32_t index) { return at(index); }
  const SessionTraffic& traffic(const Session& session) const {
    const std::uint32_t index = index_of(session);
    return chunks_[index / kChunk]->traffic[index % kChunk];
  }

 private:
  static constexpr std::uint32_t kChunk = 1024;              // sessions allocated together
  static constexpr std::uint32_t kNone = SessionId::kSlots;  // no index

  struct Chunk {
    std::array<Session, kChunk> sessions;
    std::array<SessionTraffic, kChunk> traffic;
  };

  Session& at(std::uint32_t index) { return chunks_[index / kChunk]->sessions[index % kChunk]; }
  SessionTraffic& traffic_at(std::uint32_t index) { return chunks_[index / kChunk]->traffic[index % kChunk]; }
  void begin(Session& session, const SessionPath& path, Duration idle, Time now);
  std::uint32_t take_slot();
  std::uint32_t take_fresh_slot();
  void free_slot(Session& session);
  void append_unassured(Session& session);
  void take_out_unassured(Session& session);
  void assure(Session& session);
  bool is_over(const Session& session, Time now) const;

  const std::uint32_t first_slot_;
  const std::uint32_t capacity_;
  const Duration unreplied_;
  PathIndex by_path_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t used_ = 0;  // slots from here on never had a session
  std::uint32_t size_ = 0;  // so used_ - size_ slots are free again
  std::uint32_t next_ = 0;  // where expire() goes on
  std::uint32_t first_freed_ = kNone;
  std::uint32_t last_freed_ = kNone;
  std::uint32_t oldest_ = kNone;  // of the unassured
  std::uint32_t newest_ = kNone;
};

}  // namespace penstock
