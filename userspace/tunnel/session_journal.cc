#include "tunnel/session_journal.h"

#include <chrono>

namespace penstock {
namespace {

boost::json::object describe(const SessionReport& session) {
  boost::json::object fields{{"edge", session.edge},
                             {"session", session.id.value()},
                             {"service", session.service},
                             {"client", session.client.to_string()},
                             {"local", session.local.to_string()}};
  if (session.backend.port != 0) {
    fields["backend"] = session.backend.to_string();
    fields["source"] = session.source.to_string();
  }
  return fields;
}

}  // namespace

void record_session_opened(Journal& journal, const SessionReport& session) {
  journal.event("session_opened", describe(session));
}

void record_session_refused(Journal& journal, const SessionReport& session, Reason reason) {
  boost::json::object fields = describe(session);
  fields.erase("session");
  fields["reason"] = label_of(reason);
  fields["text"] = help_of(reason);
  journal.event("session_refused", std::move(fields));
}

void record_session_closed(Journal& journal, const SessionReport& session, Reason reason) {
  boost::json::object fields = describe(session);
  fields["reason"] = label_of(reason);
  fields["to_backend"] = session.to_backend_bytes;
  fields["to_client"] = session.to_client_bytes;
  fields["to_backend_datagrams"] = session.to_backend_datagrams;
  fields["to_client_datagrams"] = session.to_client_datagrams;
  fields["seconds"] = seconds_of(session.age);
  journal.access(fields);
  journal.event("session_closed", std::move(fields));
}

}  // namespace penstock
