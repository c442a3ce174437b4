// Options of our load generators as a table: their names, help, and how each is set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace penstock::options {

/// One option of a program whose options are collected in T.
template <class T>
struct Option {
  std::string_view name;
  std::string_view value;  // what the help calls it; empty: takes none
  std::string_view help;
  Result<void> (*set)(T& options, std::string_view text);
};

inline Error wrong(std::string what) {
  return error(Errc::kInvalid, std::move(what));
}

template <class T>
Result<void> set_number(T& out, std::string_view text, T least, T most) {
  const auto number = parse_number<T>(text);
  if (!number || *number < least || *number > most) {
    return wrong("must be a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  out = *number;
  return {};
}

/// Its line of a help page.
template <class T>
std::string line_of(const Option<T>& option) {
  std::string line = "  --" + std::string{option.name};
  if (!option.value.empty()) line.append(" ").append(option.value);
  line.resize(std::max<std::size_t>(line.size() + 2, 28), ' ');
  return line.append(option.help) + "\n";
}

/// The value of the option that arguments[i] names: behind "=", or the next argument, to which `i` then
/// moves.
template <class T>
Result<std::string_view> value_of(const Option<T>& option, std::span<const char* const> arguments,
                                  std::size_t& i) {
  const std::string_view argument = arguments[i];
  const std::size_t equals = argument.find('=');
  const std::string name{option.name};
  if (option.value.empty()) {
    if (equals != std::string_view::npos) return wrong("--" + name + " takes no value");
    return std::string_view{};
  }
  if (equals != std::string_view::npos) return argument.substr(equals + 1);
  if (++i == arguments.size()) return wrong("--" + name + " needs a value");
  return std::string_view{arguments[i]};
}

/// Reads "--name value", "--name=value", and "--name" of what is on or off, into `options`; each at most
/// once. `find` gives the option of a name, or null, and then `unknown` what is wrong with the argument.
/// Returns the names that were given. Errors name the option and what it wants.
template <class T, class Find, class Unknown>
Result<std::set<std::string_view>> read_into(T& options, std::span<const char* const> arguments, Find find,
                                             Unknown unknown) {
  std::set<std::string_view> given;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const std::size_t equals = std::min(argument.find('='), argument.size());
    const std::string_view name = argument.starts_with("--") ? argument.substr(2, equals - 2) : "";
    const Option<T>* const option = find(name);
    if (option == nullptr) return wrong(unknown(printable(argument, 80)));
    if (!given.insert(option->name).second) return wrong("--" + std::string{name} + " is given twice");
    const auto value = value_of(*option, arguments, i);
    if (!value) return value.error();
    if (auto set = option->set(options, *value); !set)
      return Error{set.error()}.within("--" + std::string{name} + " " + printable(*value, 80));
  }
  return given;
}

}  // namespace penstock::options
