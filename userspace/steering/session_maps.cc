#include "steering/session_maps.h"

#include <atomic>

namespace penstock {
namespace {

void set_id(pst_session& session, std::uint32_t id) {
  std::atomic_ref<__u32>{session.id}.store(id, std::memory_order_release);
}

}  // namespace

Result<void> SessionMaps::publish(std::uint32_t slot, const pst_session& entry, const pst_path& path,
                                  bool from_backend) {
  pst_session& session = sessions_[slot];
  set_id(session, 0);
  pst_session hidden = entry;
  hidden.id = 0;
  session = hidden;
  set_id(session, entry.id);
  return paths_.update(path, {.id = entry.id, .from_backend = from_backend ? 1U : 0U});
}

void SessionMaps::set_hop(std::uint32_t slot, std::uint16_t hop, bool to_backend) {
  pst_session& session = sessions_[slot];
  std::atomic_ref<__u16>{to_backend ? session.backend_hop : session.client_hop}.store(
      hop, std::memory_order_relaxed);
}

void SessionMaps::withdraw(std::uint32_t slot, const pst_path& path) {
  // A path that cannot be taken out names an id that no session has any more, and so is passed over.
  static_cast<void>(paths_.erase(path));
  set_id(sessions_[slot], 0);
}

}  // namespace penstock
