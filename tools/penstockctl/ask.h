// One question to the daemon, and its answer.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "penstockctl/command_line.h"
#include "penstockctl/env.h"

namespace penstock::ctl {

/// The body of the daemon's 2xx answer. A refusal is kRefused with the daemon's own sentence; a daemon that
/// cannot be reached or understood is kUnavailable or kProtocol. `lines`: see Daemon::ask().
Result<std::string> ask(const Invocation& invocation, Env& env, const DaemonRequest& request,
                        const LineSink& lines = {});

/// The body read as an object of JSON.
Result<boost::json::object> read_object(std::string_view body);

/// `text` as one part of a path, or one value of a query: all but letters, digits and "-._~" as %XX.
std::string percent_encode(std::string_view text);

/// Prints the daemon's JSON as it is (--json), ending in a line feed.
void print_raw(Env& env, std::string_view body);

}  // namespace penstock::ctl
