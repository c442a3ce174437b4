#include "penstockctl/command_line.h"

#include <utility>

#include "base/text.h"

namespace penstock::ctl {
namespace {

constexpr std::size_t kShown = 64;  // characters of a wrong word

Error usage(std::string what) {
  return error(Errc::kInvalid, std::move(what));
}

std::string quoted(std::string_view word) {
  return "'" + printable(word, kShown) + "'";
}

std::string hint(const Command& command) {
  return "see 'penstockctl help " + std::string{command.name} + "'";
}

const Option* find_option(std::span<const Option> options, std::string_view name) {
  for (const Option& option : options) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

/// The option of that name of any command: it takes a value in all of them, or in none.
const Option* find_any_option(std::string_view name) {
  if (const Option* global = find_option(global_options(), name)) return global;
  for (const Command& command : commands()) {
    if (const Option* found = find_option(command.options, name)) return found;
  }
  return nullptr;
}

/// Words and options told apart, the command not yet known.
struct Sorted {
  std::vector<std::string> words;
  OptionValues options;
};

/// Takes the option at `at`, and its value when that is the next word.
Result<void> take_option(std::span<const std::string> given, std::size_t& at, OptionValues& out) {
  const std::string_view word = given[at];
  const auto equals = word.find('=');
  const std::string_view dashed = word.substr(0, equals);
  const Option* option =
      word == "-h" ? find_any_option("help")
                   : find_any_option(dashed.starts_with("--") ? dashed.substr(2) : std::string_view{});
  if (option == nullptr) return usage("unknown option " + quoted(dashed) + ": see 'penstockctl help'");
  std::string value;
  if (option->value.empty()) {
    if (equals != std::string_view::npos) return usage("option " + quoted(dashed) + " takes no value");
  } else if (equals != std::string_view::npos) {
    value = word.substr(equals + 1);
  } else if (++at < given.size()) {
    value = given[at];
  } else {
    return usage("option " + quoted(dashed) + " needs a value");
  }
  if (!out.emplace(option->name, std::move(value)).second)
    return usage("option " + quoted(dashed) + " is given twice");
  return {};
}

Result<Sorted> sort(std::span<const std::string> given) {
  Sorted out;
  bool options_ended = false;
  for (std::size_t at = 0; at < given.size(); ++at) {
    if (options_ended || !given[at].starts_with('-') || given[at] == "-") {
      out.words.push_back(given[at]);
    } else if (given[at] == "--") {
      options_ended = true;
    } else if (auto taken = take_option(given, at, out.options); !taken) {
      return std::move(taken).error();
    }
  }
  return out;
}

/// The command that the first words name; they are removed.
Result<const Command*> take_command(std::vector<std::string>& words) {
  if (words.empty()) return find_command("status");
  const Command* one = find_command(words[0]);
  if (words.size() > 1) {
    const Command* two = find_command(words[0] + " " + words[1]);
    if (two == nullptr && one != nullptr && one->kind == Command::Kind::kNoun && words[1] == "list")
      two = one;
    if (two != nullptr) {
      words.erase(words.begin(), words.begin() + 2);
      return two;
    }
  }
  if (one == nullptr) return usage("unknown command " + quoted(words[0]) + ": 'penstockctl help' lists them");
  words.erase(words.begin());
  return one;
}

Result<void> check_arguments(const Command& command, const std::vector<std::string>& arguments) {
  std::size_t taken = 0;
  std::string_view rest = command.parameters;
  while (!rest.empty()) {
    const auto end = rest.find(' ');
    const std::string_view parameter = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const bool any_number = rest.starts_with("...");
    if (taken == arguments.size() && !parameter.starts_with('[')) {
      return usage(std::string{command.name} + " needs " + std::string{parameter} + ": " + hint(command));
    }
    if (any_number) return {};
    if (taken < arguments.size()) ++taken;
  }
  if (taken == arguments.size()) return {};
  return usage(quoted(arguments[taken]) + " is more than " + std::string{command.name} +
               " takes: " + hint(command));
}

}  // namespace

const std::string* Invocation::value(std::string_view option) const {
  const auto at = options.find(option);
  return at == options.end() ? nullptr : &at->second;
}

Result<Invocation> parse_command_line(std::span<const std::string> words) {
  auto sorted = sort(words);
  if (!sorted) return std::move(sorted).error();
  Invocation out;
  out.options = std::move(sorted->options);
  if (out.options.erase("help") != 0) {
    out.command = find_command("help");
    out.arguments = std::move(sorted->words);
    out.options.clear();
    return out;
  }
  auto command = take_command(sorted->words);
  if (!command) return std::move(command).error();
  out.command = *command;
  out.arguments = std::move(sorted->words);
  if (auto fit = check_arguments(*out.command, out.arguments); !fit) return std::move(fit).error();

  out.json = out.options.erase("json") != 0;
  if (auto socket = out.options.extract("socket")) out.socket = std::move(socket.mapped());
  for (const auto& [name, value] : out.options) {
    if (find_option(out.command->options, name) == nullptr) {
      return usage(std::string{out.command->name} + " has no option '--" + name + "': " + hint(*out.command));
    }
  }
  return out;
}

}  // namespace penstock::ctl
