// What the operator typed, understood.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "penstockctl/command.h"

namespace penstock::ctl {

/// Option name without dashes -> value; a switch has an empty one.
using OptionValues = std::map<std::string, std::string, std::less<>>;

struct Invocation {
  const Command* command = nullptr;
  std::vector<std::string> arguments;  // as many as the command takes
  OptionValues options;                // only such as the command takes
  bool json = false;
  std::optional<std::string> socket;  // --socket

  bool has(std::string_view option) const { return options.find(option) != options.end(); }
  const std::string* value(std::string_view option) const;
};

/// Pure: the words after the program's name. No word at all means "status". Options may stand anywhere, as
/// --name VALUE or --name=VALUE, each at most once; "--" ends them, and "-" is none. Errors (kInvalid) name
/// the word.
Result<Invocation> parse_command_line(std::span<const std::string> words);

}  // namespace penstock::ctl
