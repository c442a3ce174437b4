#include "config/value.h"

#include <algorithm>

#include "base/text.h"

namespace penstock {
namespace {

std::string describe(const Value& value) {
  struct Describe {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(const std::string& text) const { return "\"" + printable(text, 64) + "\""; }
    std::string operator()(const Value::Text& text) const { return (*this)(text.text); }
    std::string operator()(const Value::Other& other) const { return std::string{other.kind}; }
    std::string operator()(const Value::List&) const { return "a list"; }
    std::string operator()(const Value::Table&) const { return "a table"; }
  };
  return std::visit(Describe{}, value.data);
}

template <class Table>
auto find_in(Table& table, std::string_view key) {
  const auto at =
      std::find_if(table.begin(), table.end(), [&](const Member& member) { return member.key == key; });
  return at == table.end() ? nullptr : &at->value;
}

}  // namespace

const Value* find(const Value::Table& table, std::string_view key) {
  return find_in(table, key);
}
Value* find(Value::Table& table, std::string_view key) {
  return find_in(table, key);
}

std::optional<bool> flag_of(const Value& value) {
  if (const bool* flag = std::get_if<bool>(&value.data)) return *flag;
  if (const auto* text = std::get_if<Value::Text>(&value.data)) {
    if (text->text == "true") return true;
    if (text->text == "false") return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> integer_of(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value.data)) return *number;
  if (const auto* text = std::get_if<Value::Text>(&value.data)) return parse_number<std::int64_t>(text->text);
  return std::nullopt;
}

const std::string* text_of(const Value& value) {
  if (const auto* text = std::get_if<Value::Text>(&value.data)) return &text->text;
  return std::get_if<std::string>(&value.data);
}

Error unfit(const Value& value, std::string_view wanted) {
  return error(Errc::kInvalid, describe(value).append(" will not do: write ").append(wanted));
}

}  // namespace penstock
