// The options that describe a service, as keys of its JSON.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "base/error.h"
#include "base/port_set.h"
#include "penstockctl/command_line.h"

namespace penstock::ctl {

/// The keys for those options that are given. Errors (kInvalid) name the option.
Result<boost::json::object> service_from_options(const OptionValues& options);

/// "80,8000-8100"; errors name the piece.
Result<PortSet> parse_port_list(std::string_view text);

}  // namespace penstock::ctl
