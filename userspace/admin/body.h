// The JSON body of an admin request, read strictly: a wrong or unknown key is refused by name.
#pragma once

#include <boost/json/object.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "admin/router.h"
#include "base/error.h"

namespace penstock {

/// The body as an object that has no other keys than `known`; an empty body is an empty object.
Result<boost::json::object> parse_body(const AdminRequest& request,
                                       std::initializer_list<std::string_view> known);

/// A string, or nothing when the key is absent or null.
Result<std::optional<std::string>> optional_text(const boost::json::object& body, std::string_view key);
Result<std::string> required_text(const boost::json::object& body, std::string_view key);
Result<bool> required_bool(const boost::json::object& body, std::string_view key);

/// A whole number from the query, at most `max`; `otherwise` when the query does not name it.
Result<std::size_t> query_number(const AdminRequest& request, std::string_view name, std::size_t otherwise,
                                 std::size_t max);

}  // namespace penstock
