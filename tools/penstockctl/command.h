// The table of commands, from which parsing, running, help and the manual page come.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"

namespace penstock::ctl {

struct Env;
struct Invocation;

struct Option {
  std::string_view name;   // without the dashes
  std::string_view value;  // what stands for the value in help; empty: a switch
  std::string_view help;   // lines of at most 70 characters
};

struct Command {
  enum class Kind { kNoun, kVerb, kOwn };  // looks, changes one thing, or is about penstockctl itself

  std::string_view name;  // "edges add"
  Kind kind;
  std::string_view parameters;  // "SERVICE LIST"; optional ones in brackets, "..." for any number
  std::span<const Option> options;
  std::string_view summary;  // one line
  std::string_view details;  // sentences of help, lines of at most 78 characters
  /// Errors tell the exit status: see run.h.
  Result<void> (*run)(const Invocation& invocation, Env& env);
};

std::span<const Command> commands();
/// Those that every command takes.
std::span<const Option> global_options();
const Command* find_command(std::string_view name);

}  // namespace penstock::ctl
