#include "penstockctl/help.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace penstock::ctl {
namespace {

constexpr std::size_t kColumn = 28;

/// "  left       right": two columns; further lines of the second begin below its first.
std::string line(std::string_view left, std::string_view right) {
  std::string out = "  ";
  out.append(left).append(std::max(kColumn, left.size() + 2) - left.size(), ' ');
  for (const char c : right) {
    out.push_back(c);
    if (c == '\n') out.append(2 + kColumn, ' ');
  }
  return out + "\n";
}

std::string with_value(const Option& option) {
  std::string out = "--" + std::string{option.name};
  if (!option.value.empty()) out.append(" ").append(option.value);
  return out;
}

std::string with_parameters(const Command& command) {
  std::string out{command.name};
  if (!command.parameters.empty()) out.append(" ").append(command.parameters);
  return out;
}

std::string section(std::string_view title, Command::Kind kind) {
  std::string out = "\n" + std::string{title} + "\n";
  for (const Command& command : commands()) {
    if (command.kind == kind) out += line(with_parameters(command), command.summary);
  }
  return out;
}

std::string options_text(std::span<const Option> options) {
  std::string out;
  for (const Option& option : options) out += line(with_value(option), option.help);
  return out;
}

}  // namespace

std::string help_overview() {
  return "usage: penstockctl [--socket PATH] [--json] [COMMAND ...]\n" +
         section("Nouns look and never touch:", Command::Kind::kNoun) +
         section("Verbs change one thing and say what they changed:", Command::Kind::kVerb) +
         section("About penstockctl itself:", Command::Kind::kOwn) + "\nOptions of every command:\n" +
         options_text(global_options()) +
         "\nWithout a command: status. A noun may be followed by 'list'.\n"
         "Exit status: 0 done, 1 the daemon refused or its books do not balance,\n"
         "2 the command line is wrong, 3 the daemon cannot be reached.\n";
}

std::string help_for(const Command& command) {
  std::string out = "usage: penstockctl " + with_parameters(command);
  if (!command.options.empty()) out += " [OPTIONS]";
  out.append("\n").append(command.details).append("\n");
  if (!command.options.empty()) out += "Options:\n" + options_text(command.options);
  return out;
}

Result<std::string> help_text(const std::vector<std::string>& words) {
  if (words.empty()) return help_overview();
  std::string name;
  for (const auto& word : words) name.append(name.empty() ? "" : " ").append(word);
  std::string out;
  for (const Command& command : commands()) {
    if (command.name != name && !command.name.starts_with(name + " ")) continue;
    out.append(out.empty() ? "" : "\n").append(help_for(command));
  }
  if (!out.empty()) return out;
  return error(Errc::kInvalid,
               "there is no command '" + printable(name, 64) + "': 'penstockctl help' lists them");
}

}  // namespace penstock::ctl
