#include "admin/body.h"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "base/text.h"

namespace penstock {
namespace {

Error wrong(std::string_view key, std::string_view what) {
  return error(Errc::kInvalid, "\"" + printable(key, 64) + "\" " + std::string{what});
}

std::string list(std::initializer_list<std::string_view> keys) {
  std::string out;
  for (const auto key : keys) out.append(out.empty() ? "" : ", ").append(key);
  return out.empty() ? "none" : out;
}

}  // namespace

Result<boost::json::object> parse_body(const AdminRequest& request,
                                       std::initializer_list<std::string_view> known) {
  if (request.body.empty()) return boost::json::object{};
  boost::json::error_code failed;
  boost::json::value value = boost::json::parse(request.body, failed);
  if (failed) return error(Errc::kInvalid, "the body is not JSON: " + failed.message());
  if (!value.is_object()) return error(Errc::kInvalid, "the body must be a JSON object");
  for (const auto& member : value.get_object()) {
    const std::string_view key{member.key()};
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return wrong(key, "is not a key of this request; known are: " + list(known));
    }
  }
  return std::move(value.get_object());
}

Result<std::optional<std::string>> optional_text(const boost::json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  if (value == nullptr || value->is_null()) return std::optional<std::string>{};
  if (!value->is_string()) return wrong(key, "must be a string");
  return std::optional<std::string>{std::string{value->get_string()}};
}

Result<std::string> required_text(const boost::json::object& body, std::string_view key) {
  auto value = optional_text(body, key);
  if (!value) return std::move(value).error();
  if (!value->has_value()) return wrong(key, "is missing");
  return **std::move(value);
}

Result<bool> required_bool(const boost::json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  if (value == nullptr) return wrong(key, "is missing");
  if (!value->is_bool()) return wrong(key, "must be true or false");
  return value->get_bool();
}

Result<std::size_t> query_number(const AdminRequest& request, std::string_view name, std::size_t otherwise,
                                 std::size_t max) {
  const std::string* text = request.query(name);
  if (text == nullptr) return otherwise;
  const auto number = parse_number<std::size_t>(*text);
  if (!number || *number > max) {
    return wrong(name, "must be a whole number of at most " + std::to_string(max));
  }
  return *number;
}

}  // namespace penstock
