#include "penstockctl/field.h"

#include "base/text.h"

namespace penstock::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 256;  // characters of one string that are shown

std::uint64_t whole(double value) {
  return value > 0 && value < 1e18 ? static_cast<std::uint64_t>(value) : 0;
}

}  // namespace

std::string text_of(const json::value& value) {
  if (const auto* string = value.if_string()) return printable({string->data(), string->size()}, kMaxText);
  if (const auto* number = value.if_int64()) return std::to_string(*number);
  if (const auto* number = value.if_uint64()) return std::to_string(*number);
  return {};
}

std::string text(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value == nullptr ? std::string{} : text_of(*value);
}

std::uint64_t number(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  if (value == nullptr) return 0;
  if (const auto* fraction = value->if_double()) return whole(*fraction);
  return parse_number<std::uint64_t>(text_of(*value)).value_or(0);
}

bool flag(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object& as_object(const json::value& value) {
  static const json::object kNone;
  const auto* object = value.if_object();
  return object == nullptr ? kNone : *object;
}

const json::object& part(const json::object& from, std::string_view key) {
  static const json::value kNone;
  const auto* value = from.if_contains(key);
  return as_object(value == nullptr ? kNone : *value);
}

const json::array& list(const json::object& from, std::string_view key) {
  static const json::array kNone;
  const auto* value = from.if_contains(key);
  const auto* array = value == nullptr ? nullptr : value->if_array();
  return array == nullptr ? kNone : *array;
}

std::string joined(const json::object& from, std::string_view key, std::string_view separator) {
  std::string out;
  for (const auto& element : list(from, key))
    out.append(out.empty() ? "" : separator).append(text_of(element));
  return out;
}

}  // namespace penstock::ctl
