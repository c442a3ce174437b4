#include "config/toml_document.h"

#include <toml++/toml.h>

#include <algorithm>

#include "base/text.h"

namespace penstock {
namespace {

// toml++ opens a table for each part of a dotted key and frees them by recursion, so a line of dots could
// exhaust the stack. Our own keys have one dot at most; dots within strings are no keys.
constexpr std::size_t kMostDots = 1000;

/// Where the string that begins at `at` ends; a string that is never closed ends with its line or the text.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const bool whole = text.substr(at, 3) == std::string(3, quote);
  const std::string close(whole ? 3 : 1, quote);
  for (at += close.size(); at < text.size(); ++at) {
    if (text.substr(at, close.size()) == close) return at + close.size();
    if (text[at] == '\n' && !whole) return at;
    if (text[at] == '\\' && quote == '"') ++at;
  }
  return text.size();
}

std::size_t count_dots(std::string_view text) {
  std::size_t dots = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == '"' || c == '\'') {
      at = end_of_string(text, at);
    } else {
      dots += c == '.' ? 1U : 0U;
      ++at;
    }
  }
  return dots;
}

Value convert(const toml::node& node);

Value::List convert_list(const toml::array& array) {
  Value::List list;
  list.reserve(array.size());
  for (const toml::node& element : array) list.push_back(convert(element));
  return list;
}

/// toml++ sorts by key; what stands first in the file is to be reported first.
Value::Table convert_table(const toml::table& table) {
  Value::Table members;
  members.reserve(table.size());
  for (const auto& [key, node] : table) members.push_back({std::string{key.str()}, convert(node)});
  std::stable_sort(members.begin(), members.end(),
                   [](const Member& a, const Member& b) { return a.value.where.line < b.value.where.line; });
  return members;
}

Value convert(const toml::node& node) {
  Value value{{}, {node.source().begin.line, {}}};
  switch (node.type()) {
    case toml::node_type::boolean:
      value.data = node.as_boolean()->get();
      break;
    case toml::node_type::integer:
      value.data = node.as_integer()->get();
      break;
    case toml::node_type::string:
      value.data = node.as_string()->get();
      break;
    case toml::node_type::array:
      value.data = convert_list(*node.as_array());
      break;
    case toml::node_type::table:
      value.data = convert_table(*node.as_table());
      break;
    case toml::node_type::floating_point:
      value.data = Value::Other{"a number with a fraction"};
      break;
    default:
      value.data = Value::Other{"a date or time"};
      break;
  }
  return value;
}

}  // namespace

Result<Value> parse_toml(std::string_view text, const std::string& path) {
  if (count_dots(text) > kMostDots) {
    return error(Errc::kLimit,
                 path + ": has more than " + std::to_string(kMostDots) + " dots outside strings");
  }
  try {  // Debian builds the library to report by exceptions; none of them leaves this function.
    return convert(toml::parse(text));
  } catch (const toml::parse_error& failed) {
    return error(Errc::kInvalid, path + ":" + std::to_string(failed.source().begin.line) + ": " +
                                     printable(failed.description(), 300));
  }
}

}  // namespace penstock
