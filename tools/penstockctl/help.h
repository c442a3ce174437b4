// Help, generated from the table of commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "penstockctl/command.h"

namespace penstock::ctl {

/// All commands, one line each.
std::string help_overview();
/// Usage, details and options of one command.
std::string help_for(const Command& command);
/// What `help WORDS` prints: the overview without words; a noun shows its verbs too.
Result<std::string> help_text(const std::vector<std::string>& words);

}  // namespace penstock::ctl
