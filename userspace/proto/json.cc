#include "proto/json.h"

#include <penstock/wire/frame.h>

#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>

#include "base/text.h"

namespace penstock {
namespace json = boost::json;

JsonDocument::JsonDocument(std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    failed_ = error(Errc::kLimit, "JSON of " + std::to_string(text.size()) + " bytes is longer than " +
                                      std::to_string(limit));
    return;
  }
  json::parse_options options;
  options.max_depth = wire::kMaxJsonDepth;
  json::parser parser{{}, options};
  boost::system::error_code code;
  const std::size_t read = parser.write_some(text.data(), text.size(), code);
  if (!code && read < text.size()) code = json::error::extra_data;
  if (code) {
    failed_ = error(Errc::kInvalid, "not JSON, at byte " + std::to_string(read) + ": " + code.message());
    return;
  }
  value_ = parser.release();
  if (!value_.is_object()) failed_ = error(Errc::kInvalid, "not a JSON object");
}

JsonNode JsonNode::key(std::string_view name) const {
  JsonNode found{nullptr, path_.empty() ? std::string{name} : path_ + "." + std::string{name}, *failed_};
  if (value_ == nullptr) return found;
  if (!value_->is_object()) {
    fail("must be an object");
    return found;
  }
  found.value_ = value_->get_object().if_contains(name);
  if (found.value_ == nullptr) found.fail("is missing");
  return found;
}

bool JsonNode::has(std::string_view name) const {
  return value_ != nullptr && value_->is_object() && value_->get_object().contains(name);
}

std::string JsonNode::text() const {
  if (value_ != nullptr && value_->is_string()) return std::string{value_->get_string()};
  fail("must be a string");
  return {};
}

bool JsonNode::boolean() const {
  if (value_ != nullptr && value_->is_bool()) return value_->get_bool();
  fail("must be true or false");
  return false;
}

std::uint64_t JsonNode::u64() const {
  if (value_ != nullptr && value_->is_string()) {
    if (const auto number = parse_number<std::uint64_t>(value_->get_string())) return *number;
  }
  fail("must be a string of decimal digits, below 2^64");
  return 0;
}

std::uint64_t JsonNode::integer(std::uint64_t least, std::uint64_t most) const {
  boost::system::error_code wrong;
  const std::uint64_t number = value_ == nullptr ? 0 : value_->to_number<std::uint64_t>(wrong);
  if (value_ != nullptr && !wrong && number >= least && number <= most) return number;
  fail("must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return least;
}

std::string JsonNode::name() const {
  std::string read = text();
  if (!is_name(read)) fail("must be 1 to 64 letters, digits, '-', '_' or '.', the first a letter or digit");
  return read;
}

std::vector<std::string> JsonNode::names(std::size_t most) const {
  std::vector<std::string> read;
  each(most, [&](const JsonNode& element) { read.push_back(element.name()); });
  return read;
}

PortRange JsonNode::port_range() const {
  const auto range = PortRange::parse(text());
  if (range) return *range;
  fail("must be a port or range such as \"80\" or \"8000-8100\"");
  return {};
}

PortSet JsonNode::port_set() const {
  PortSet ports;
  each(wire::kMaxPortRanges, [&](const JsonNode& element) {
    const PortRange range = element.port_range();
    if (range.first != 0) ports.add(range);
  });
  return ports;
}

const json::array* JsonNode::elements(std::size_t most) const {
  if (value_ == nullptr || !value_->is_array()) {
    fail("must be an array");
    return nullptr;
  }
  if (value_->get_array().size() <= most) return &value_->get_array();
  fail("has more than " + std::to_string(most) + " elements");
  return nullptr;
}

void JsonNode::fail(std::string_view what) const {
  if (!*failed_) *failed_ = error(Errc::kInvalid, "key '" + path_ + "' " + std::string{what});
}

json::array to_json_array(const PortSet& ports) {
  json::array out;
  for (const PortRange& range : ports.ranges()) out.emplace_back(range.to_string());
  return out;
}

}  // namespace penstock
