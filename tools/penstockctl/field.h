// Reading the daemon's JSON for people: what is missing or of another kind shows as nothing.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::ctl {

/// A string or number as printable text; peers had a hand in it.
std::string text_of(const boost::json::value& value);
std::string text(const boost::json::object& from, std::string_view key);
/// A whole number, written as number or (above 2^53) as string; 0 for anything else.
std::uint64_t number(const boost::json::object& from, std::string_view key);
bool flag(const boost::json::object& from, std::string_view key);
/// Empty when there is none.
const boost::json::object& as_object(const boost::json::value& value);
const boost::json::object& part(const boost::json::object& from, std::string_view key);
const boost::json::array& list(const boost::json::object& from, std::string_view key);
/// The elements of a list, with `separator` between them.
std::string joined(const boost::json::object& from, std::string_view key, std::string_view separator);

}  // namespace penstock::ctl
