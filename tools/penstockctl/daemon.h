// The daemon as penstockctl sees it: something that answers requests of the admin API.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"

namespace penstock::ctl {

struct DaemonRequest {
  std::string method;
  std::string target;     // path and query, percent-encoded
  std::string body = {};  // JSON, or empty
  bool operator==(const DaemonRequest&) const = default;
};

struct DaemonAnswer {
  unsigned status = 0;
  std::string body;
};

/// Called with each line of a streamed answer, without its line feed; heartbeats (empty lines) are left out.
using LineSink = std::function<void(std::string_view line)>;

class Daemon {
 public:
  virtual ~Daemon() = default;
  /// The whole answer. With `lines`, the body of a 200 goes there line by line as it comes, until the daemon
  /// ends it. An error (kUnavailable or kProtocol) means that there was no answer, and says what to do.
  virtual Result<DaemonAnswer> ask(const DaemonRequest& request, const LineSink& lines) = 0;
};

}  // namespace penstock::ctl
