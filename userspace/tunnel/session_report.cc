#include "tunnel/session_report.h"

#include <algorithm>

namespace penstock {

Reason end_by_silence(const Session& session) {
  return session.state() == SessionState::kAssured ? PST_R_IDLE_TIMEOUT : PST_R_UNREPLIED;
}

SessionReport report_of(const SessionTable& table, const Session& session, Time now) {
  const SessionTraffic& traffic = table.traffic(session);
  return {.id = session.id,
          .service = {},
          .edge = {},
          .client = {},
          .local = {},
          .direct = false,
          .backend = {},
          .source = {},
          .state = to_string(session.state()),
          .age = now - session.opened(),
          .idle = std::max(Duration{}, now - session.last_sent),
          .to_backend_datagrams = traffic.to_backend_datagrams,
          .to_backend_bytes = traffic.to_backend_bytes,
          .to_client_datagrams = traffic.to_client_datagrams,
          .to_client_bytes = traffic.to_client_bytes};
}

}  // namespace penstock
