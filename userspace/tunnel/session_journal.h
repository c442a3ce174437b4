// The events of a UDP session's life, the same at both ends.
#pragma once

#include "base/reason.h"
#include "tunnel/journal.h"
#include "tunnel/session_report.h"

namespace penstock {

/// session_opened
void record_session_opened(Journal& journal, const SessionReport& session);
/// session_refused: `session` would have been one. What its backend's side is not known of is left out.
void record_session_refused(Journal& journal, const SessionReport& session, Reason reason);
/// session_closed, and the access log.
void record_session_closed(Journal& journal, const SessionReport& session, Reason reason);

}  // namespace penstock
