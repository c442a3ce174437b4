// The real daemon: HTTP/1.1 over its unix socket.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "penstockctl/daemon.h"

namespace penstock::ctl {

struct HttpDeadlines {
  Duration whole = std::chrono::seconds{15};    // for request and answer
  Duration silence = std::chrono::seconds{45};  // of a stream, three heartbeats
};

/// One connection per request.
std::unique_ptr<Daemon> make_http_daemon(std::string socket, HttpDeadlines deadlines = {});

}  // namespace penstock::ctl
