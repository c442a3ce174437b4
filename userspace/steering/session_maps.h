// The sessions that kernel programs look up: which datagrams are whose, and how each is rewritten.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "bpf/bpf_array.h"
#include "bpf/bpf_map.h"
#include "penstock/abi/session.h"

namespace penstock {

/// pst_paths and pst_sessions. Shared by all lanes: each writes the slots and paths of its own sessions only,
/// so there is no lock. Lives until every worker's thread has ended.
class SessionMaps {
 public:
  using Paths = BpfMap<pst_path, pst_path_owner>;
  using Sessions = BpfArray<pst_session>;

  SessionMaps(Paths paths, Sessions sessions) : paths_{std::move(paths)}, sessions_{std::move(sessions)} {}

  std::uint32_t slots() const { return sessions_.size(); }
  const pst_session& at(std::uint32_t slot) const { return sessions_[slot]; }

  /// Makes the session visible to the programs: the entry first, then the path.
  Result<void> publish(std::uint32_t slot, const pst_session& entry, const pst_path& path, bool from_backend);
  /// The entry, and of a direct session the path of its answers, but not the path of its first end.
  Result<void> prepare(std::uint32_t slot, const pst_session& entry);
  /// The entry and the path of its answers, which no other session may have: false when one has it, in any
  /// lane, and then nothing was done.
  Result<bool> claim(std::uint32_t slot, const pst_session& entry);
  Result<void> add_path(std::uint32_t slot, const pst_path& path, bool from_backend);
  /// Gives a session that is visible another lane, service and hops; all else stays, and programs go on.
  void renew(std::uint32_t slot, const pst_session& entry);
  /// Where a hub's session came from; its instance last, without which nothing counts.
  void set_origin(std::uint32_t slot, const pst_session_origin& origin);
  /// The session's counts as they are now; its times as the programs write them.
  pst_session traffic(std::uint32_t slot) const;
  /// Another hop for a session that is visible.
  void set_hop(std::uint32_t slot, std::uint16_t hop, bool to_backend);
  /// Hides it: its paths first, then the entry.
  void withdraw(std::uint32_t slot, const pst_path& path);

 private:
  void show(std::uint32_t slot, const pst_session& entry);
  Result<bool> claim_path(const pst_path& path, std::uint32_t id);
  bool is_live(std::uint32_t id) const;

  Paths paths_;
  Sessions sessions_;
};

}  // namespace penstock
