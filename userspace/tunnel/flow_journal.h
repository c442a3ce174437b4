// The events of a flow's life, the same at both ends.
#pragma once

#include <string>
#include <string_view>

#include "tunnel/journal.h"
#include "tunnel/stream.h"

namespace penstock {

/// stream_opened; also counts the flow in its service's book.
void record_opened(Journal& journal, Stream& stream, std::string_view edge);
/// stream_closed and the access log.
void record_closed(Journal& journal, Stream& stream, std::string_view edge, Reason reason,
                   const std::string& text, Time now);
/// limit_reached
void record_limit(Journal& journal, Reason reason, const Endpoint& client, std::string_view service,
                  std::string_view edge);

}  // namespace penstock
