#include "steering/session_maps.h"

#include <atomic>

namespace penstock {
namespace {

void set_id(pst_session& session, std::uint32_t id) {
  std::atomic_ref<__u32>{session.id}.store(id, std::memory_order_release);
}

/// What the session's backend sends.
pst_path path_of_answers(const pst_session& entry) {
  return {.source = entry.backend,
          .destination = entry.source,
          .source_port = entry.backend_port,
          .destination_port = entry.source_port};
}

template <class T>
void store(T& to, T value) {
  std::atomic_ref<T>{to}.store(value, std::memory_order_relaxed);
}

template <class T>
T load(T& from) {
  return std::atomic_ref<T>{from}.load(std::memory_order_relaxed);
}

}  // namespace

Result<void> SessionMaps::publish(std::uint32_t slot, const pst_session& entry, const pst_path& path,
                                  bool from_backend) {
  static_cast<void>(prepare(slot, entry));
  return add_path(slot, path, from_backend);
}

void SessionMaps::show(std::uint32_t slot, const pst_session& entry) {
  pst_session& session = sessions_[slot];
  set_id(session, 0);
  pst_session hidden = entry;
  hidden.id = 0;
  session = hidden;
  set_id(session, entry.id);
}

Result<void> SessionMaps::prepare(std::uint32_t slot, const pst_session& entry) {
  show(slot, entry);
  if ((entry.flags & PST_SESSION_DIRECT) == 0) return {};
  return add_path(slot, path_of_answers(entry), true);
}

Result<bool> SessionMaps::claim(std::uint32_t slot, const pst_session& entry) {
  show(slot, entry);
  auto claimed = claim_path(path_of_answers(entry), entry.id);
  if (!claimed || !*claimed) set_id(sessions_[slot], 0);
  return claimed;
}

/// A path that could not be taken out when its session ended is nobody's.
Result<bool> SessionMaps::claim_path(const pst_path& path, std::uint32_t id) {
  const pst_path_owner ours{.id = id, .from_backend = 1};
  auto claimed = paths_.insert(path, ours);
  if (!claimed || *claimed) return claimed;
  const auto owner = paths_.lookup(path);
  if (!owner) return owner.error();
  if (*owner && is_live((*owner)->id)) return false;
  static_cast<void>(paths_.erase(path));
  return paths_.insert(path, ours);
}

bool SessionMaps::is_live(std::uint32_t id) const {
  const std::uint32_t slot = id & (PST_SLOTS - 1);
  return slot < sessions_.size() && load(sessions_[slot].id) == id;
}

Result<void> SessionMaps::add_path(std::uint32_t slot, const pst_path& path, bool from_backend) {
  return paths_.update(path, {.id = sessions_[slot].id, .from_backend = from_backend ? 1U : 0U});
}

void SessionMaps::renew(std::uint32_t slot, const pst_session& entry) {
  pst_session& session = sessions_[slot];
  store(session.lane, entry.lane);
  store(session.service, entry.service);
  store(session.client_hop, entry.client_hop);
  store(session.backend_hop, entry.backend_hop);
}

void SessionMaps::set_origin(std::uint32_t slot, const pst_session_origin& origin) {
  pst_session_origin& kept = sessions_[slot].origin;
  kept = {.edge = origin.edge, .instance = 0, .wire_id = origin.wire_id, .carrier = origin.carrier};
  std::atomic_ref<__u64>{kept.instance}.store(origin.instance, std::memory_order_release);
}

pst_session SessionMaps::traffic(std::uint32_t slot) const {
  pst_session& session = sessions_[slot];
  pst_session out{};
  out.client_seen = load(session.client_seen);
  out.backend_seen = load(session.backend_seen);
  out.to_backend_datagrams = load(session.to_backend_datagrams);
  out.to_backend_bytes = load(session.to_backend_bytes);
  out.to_client_datagrams = load(session.to_client_datagrams);
  out.to_client_bytes = load(session.to_client_bytes);
  return out;
}

void SessionMaps::set_hop(std::uint32_t slot, std::uint16_t hop, bool to_backend) {
  pst_session& session = sessions_[slot];
  store(to_backend ? session.backend_hop : session.client_hop, hop);
}

void SessionMaps::withdraw(std::uint32_t slot, const pst_path& path) {
  const pst_session& entry = sessions_[slot];
  if ((entry.flags & PST_SESSION_DIRECT) != 0) static_cast<void>(paths_.erase(path_of_answers(entry)));
  // A path that cannot be taken out names an id that no session has any more, and so is passed over.
  static_cast<void>(paths_.erase(path));
  set_id(sessions_[slot], 0);
}

}  // namespace penstock
