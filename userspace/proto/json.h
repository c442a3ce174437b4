// Reading the JSON objects that peers send: bounded in size and depth, and every error names the key.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/port_set.h"

namespace penstock {

/// A value within a JsonDocument, which must outlive it, and the path that leads there
/// ("penstock.services[3].name"). A value that is missing or of another kind makes the document fail and
/// reads as empty, so that a decoder reads straight through and asks once, at the end.
class JsonNode {
 public:
  JsonNode(const boost::json::value* value, std::string path, std::optional<Error>& failed)
      : value_{value}, path_{std::move(path)}, failed_{&failed} {}

  JsonNode key(std::string_view name) const;
  bool has(std::string_view name) const;

  std::string text() const;
  bool boolean() const;
  std::uint64_t u64() const;  // a string of decimal digits: JSON's numbers lose what is above 2^53
  template <class T>
  T number(T least, T most = std::numeric_limits<T>::max()) const {
    return static_cast<T>(integer(least, most));
  }
  std::string name() const;  // what is_name() holds for
  std::vector<std::string> names(std::size_t most) const;
  PortRange port_range() const;  // "80" or "8000-8100"
  PortSet port_set() const;      // a list of those

  /// Calls read(JsonNode) for each element of an array, until something is wrong.
  template <class Read>
  void each(std::size_t most, Read read) const {
    const boost::json::array* list = elements(most);
    if (list == nullptr) return;
    std::size_t index = 0;
    for (const boost::json::value& element : *list) {
      if (*failed_) return;
      read(JsonNode{&element, path_ + "[" + std::to_string(index++) + "]", *failed_});
    }
  }

  /// "key 'path' <what>", unless something was wrong before.
  void fail(std::string_view what) const;

 private:
  const boost::json::array* elements(std::size_t most) const;
  std::uint64_t integer(std::uint64_t least, std::uint64_t most) const;

  const boost::json::value* value_;  // nothing when it is missing
  std::string path_;
  std::optional<Error>* failed_;
};

/// One JSON object and the first thing that was wrong with it. Errors never repeat a value: it may be a
/// secret.
class JsonDocument {
 public:
  JsonDocument(std::string_view text, std::size_t limit);
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  JsonNode root() { return {failed_ ? nullptr : &value_, {}, failed_}; }
  /// What was read, or the first error.
  template <class T>
  Result<T> finish(T read) {
    if (failed_) return *std::move(failed_);
    return read;
  }

 private:
  boost::json::value value_;
  std::optional<Error> failed_;
};

/// ["80","8000-8100"]
boost::json::array to_json_array(const PortSet& ports);

}  // namespace penstock
