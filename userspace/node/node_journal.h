// The node's journal: events for penstockctl, lines in the log, the access log.
#pragma once

#include <memory>

#include "admin/event_log.h"
#include "node/access_log.h"
#include "tunnel/journal.h"

namespace penstock {

/// What a stranger can cause is limited per second, in events and in the log alike.
class NodeJournal final : public Journal {
 public:
  /// `access` may be null: no access log. Both outlive the journal.
  NodeJournal(EventLog& events, AccessLog* access) : events_{events}, access_{access} {}
  void event(std::string_view name, boost::json::object fields) override;
  void access(const boost::json::object& fields) override;

 private:
  EventLog& events_;
  AccessLog* access_;
};

}  // namespace penstock
