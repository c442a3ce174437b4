#include "penstockctl/guard_verbs.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <istream>
#include <iterator>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "base/address_prefix.h"
#include "base/file_descriptor.h"
#include "base/text.h"
#include "penstockctl/ask.h"
#include "penstockctl/field.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostBytes = 64 << 20;    // of a file of rules
constexpr std::size_t kMostOfRequest = 10'000;  // rules; the daemon takes twice as many

struct Totals {
  std::uint64_t blocked = 0;
  std::uint64_t allowed = 0;
  std::uint64_t removed = 0;
  std::uint64_t absent = 0;
  std::uint64_t total = 0;
};

std::string sentence(const Totals& totals) {
  std::string out;
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) out.append(out.empty() ? "" : ", ").append(std::to_string(count)).append(what);
  };
  add(totals.blocked, " blocked");
  add(totals.allowed, " allowed");
  add(totals.removed, " removed");
  add(totals.absent, totals.absent == 1 ? " was not there" : " were not there");
  return (out.empty() ? "nothing to do" : out) + "; the guard has " + std::to_string(totals.total) +
         (totals.total == 1 ? " rule now\n" : " rules now\n");
}

Result<void> send_part(const Invocation& invocation, Env& env, std::span<const std::string> rules,
                       Totals& totals) {
  json::array list;
  for (const std::string& rule : rules) list.emplace_back(rule);
  const auto body =
      ask(invocation, env, {"POST", "/v1/guard", json::serialize(json::object{{"rules", list}})});
  if (!body) return body.error();
  if (invocation.json) print_raw(env, *body);
  const auto answer = read_object(*body);
  if (!answer) return answer.error();
  totals.blocked += number(*answer, "blocked");
  totals.allowed += number(*answer, "allowed");
  totals.removed += number(*answer, "removed");
  totals.absent += number(*answer, "absent");
  totals.total = number(*answer, "total");
  return {};
}

/// Sends the rules in parts that the daemon takes at once; with --json its answer to each is a line.
Result<void> send(const Invocation& invocation, Env& env, const std::vector<std::string>& rules) {
  Totals totals;
  std::size_t sent = 0;
  do {
    const std::size_t count = std::min(kMostOfRequest, rules.size() - sent);
    auto done = send_part(invocation, env, std::span{rules}.subspan(sent, count), totals);
    if (!done && sent == 0) return done;
    if (!done)
      return Error{done.error()}.within("the first " + std::to_string(sent) +
                                        " rules are in force, the rest not");
    sent += count;
  } while (sent < rules.size());
  if (!invocation.json) env.out << sentence(totals);
  return {};
}

Result<void> change(const Invocation& invocation, Env& env, std::string_view action) {
  std::vector<std::string> rules;
  for (const std::string& text : invocation.arguments) {
    const auto prefix = AddressPrefix::parse(text);
    if (!prefix) return prefix.error();
    rules.push_back(std::string{action} + " " + prefix->to_string());
  }
  return send(invocation, env, rules);
}

// ---------------------------------------------------------------------------------------------- files

Result<std::string> text_of_file(const std::string& file, std::istream& in) {
  if (file != "-") {
    auto text = read_file(file, kMostBytes);
    if (!text) return error(Errc::kInvalid, text.error().what);  // not the daemon's refusal
    return text;
  }
  std::string text;
  std::vector<char> piece(1 << 16);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMostBytes)
      return error(Errc::kInvalid, "standard input has more than " + std::to_string(kMostBytes) + " bytes");
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

/// "block PREFIX" or "allow PREFIX" as the daemon wants it; empty for a line that says nothing.
Result<std::string> rule_of(std::string_view line) {
  const std::string_view words = trimmed(line.substr(0, line.find('#')));
  if (words.empty()) return std::string{};
  const auto space = words.find_first_of(" \t");
  const std::string_view action = words.substr(0, space);
  if (space == std::string_view::npos || (action != "block" && action != "allow")) {
    return error(Errc::kInvalid,
                 "'" + printable(words, 64) + "' is no rule: write block PREFIX or allow PREFIX");
  }
  const auto prefix = AddressPrefix::parse(trimmed(words.substr(space)));
  if (!prefix) return prefix.error();
  return std::string{action} + " " + prefix->to_string();
}

Result<std::vector<std::string>> rules_of(std::string_view text, const std::string& file) {
  std::vector<std::string> rules;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    auto rule = rule_of(text.substr(0, end));
    if (!rule) return std::move(rule).error().within(file + ":" + std::to_string(number));
    if (!rule->empty()) rules.push_back(std::move(*rule));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return rules;
}

}  // namespace

Result<void> guard_block(const Invocation& invocation, Env& env) {
  return change(invocation, env, "block");
}

Result<void> guard_allow(const Invocation& invocation, Env& env) {
  return change(invocation, env, "allow");
}

Result<void> guard_remove(const Invocation& invocation, Env& env) {
  return change(invocation, env, "remove");
}

Result<void> guard_load(const Invocation& invocation, Env& env) {
  const std::string& file = invocation.arguments[0];
  const auto text = text_of_file(file, env.in);
  if (!text) return text.error();
  const auto rules = rules_of(*text, file == "-" ? "standard input" : file);
  if (!rules) return rules.error();
  return send(invocation, env, *rules);
}

}  // namespace penstock::ctl
