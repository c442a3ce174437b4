#include "tunnel/flow_journal.h"

#include <chrono>

#include "base/text.h"

namespace penstock {
namespace {

boost::json::object describe(const FlowReport& report, std::string_view edge) {
  boost::json::object fields{{"edge", edge},
                             {"stream", report.stream},
                             {"service", report.service},
                             {"client", report.client.to_string()},
                             {"local", report.local.to_string()}};
  if (report.backend.port != 0) fields["backend"] = report.backend.to_string();
  return fields;
}

}  // namespace

void record_opened(Journal& journal, Stream& stream, std::string_view edge) {
  if (const auto& book = stream.flow().book) {
    book->flows_open.fetch_add(1, std::memory_order_relaxed);
    book->flows_total.fetch_add(1, std::memory_order_relaxed);
  }
  journal.event("stream_opened", describe(stream.report(stream.opened()), edge));
}

void record_closed(Journal& journal, Stream& stream, std::string_view edge, Reason reason,
                   const std::string& text, Time now) {
  if (const auto& book = stream.flow().book) book->flows_open.fetch_sub(1, std::memory_order_relaxed);
  const FlowReport report = stream.report(now);
  boost::json::object fields = describe(report, edge);
  fields["reason"] = label_of(reason);
  if (!text.empty()) fields["text"] = printable(text, 200);
  fields["to_backend"] = report.to_backend;
  fields["to_client"] = report.to_client;
  fields["seconds"] = seconds_of(report.age);
  journal.access(fields);
  journal.event("stream_closed", std::move(fields));
}

void record_limit(Journal& journal, Reason reason, const Endpoint& client, std::string_view service,
                  std::string_view edge) {
  journal.event(
      "limit_reached",
      {{"reason", label_of(reason)}, {"client", client.to_string()}, {"service", service}, {"edge", edge}});
}

}  // namespace penstock
