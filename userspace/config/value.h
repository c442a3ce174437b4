// A value on its way into the configuration: out of TOML, JSON, an environment variable or a flag.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace penstock {

/// Where a value was written, for error messages.
struct Where {
  std::uint32_t line = 0;  // of the file, from 1; 0: not known
  std::string source;      // the environment variable or flag instead; empty: the file
  bool operator==(const Where&) const = default;
};

struct Member;

/// One value of any form a source can have; readers.h turns it into what a key wants.
struct Value {
  /// From the environment or a flag: takes the type that its key wants.
  struct Text {
    std::string text;
  };
  /// A form that no key takes, such as a date; `kind` has static lifetime.
  struct Other {
    std::string_view kind;
  };
  using List = std::vector<Value>;
  using Table = std::vector<Member>;  // in the order of the source; no key twice

  std::variant<bool, std::int64_t, std::string, Text, Other, List, Table> data;
  Where where;

  const List* list() const { return std::get_if<List>(&data); }
  const Table* table() const { return std::get_if<Table>(&data); }
  Table* table() { return std::get_if<Table>(&data); }
};

struct Member {
  std::string key;
  Value value;
};

/// The member of that key, or null.
const Value* find(const Value::Table& table, std::string_view key);
Value* find(Value::Table& table, std::string_view key);

/// The value as a boolean, integer or string; nothing when it is of another type.
std::optional<bool> flag_of(const Value& value);
std::optional<std::int64_t> integer_of(const Value& value);
const std::string* text_of(const Value& value);

/// The refusal of a value: "<value> will not do: write <wanted>", with the value in a form safe to print.
Error unfit(const Value& value, std::string_view wanted);

}  // namespace penstock
