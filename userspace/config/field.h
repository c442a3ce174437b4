// A field: one key of a table, described once: its name, how it is read, and what else is to be known about
// it.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/readers.h"
#include "config/value.h"

namespace penstock {

/// A key of the tables that fill a T. From lists of these come reading, the refusal of unknown keys, the
/// names of environment variables and flags, and what a reload can change.
template <class T>
struct Field {
  std::string_view key;
  std::function<Result<void>(const Value&, T&)> read;
  std::function<bool(const T&, const T&)> same;
  std::function<void(const T& from, T& to)> copy;
  bool scalar = true;       // the environment and flags can set it
  bool required = false;    // no default makes sense
  bool reloadable = false;  // a running node takes a change of it
};

template <class T>
using Fields = std::vector<Field<T>>;

template <class T, class Member, class Reader>
Field<T> field(std::string_view key, Member T::*member, Reader reader) {
  return {.key = key,
          .read = [member, reader](const Value& value, T& out) -> Result<void> {
            auto made = reader(value);
            if (!made) return made.error();
            out.*member = std::move(*made);
            return {};
          },
          .same = [member](const T& a, const T& b) { return a.*member == b.*member; },
          .copy = [member](const T& from, T& to) { to.*member = from.*member; },
          .scalar = kIsScalar<Reader>};
}

template <class T>
Field<T> required(Field<T> field) {
  field.required = true;
  return field;
}

template <class T>
Field<T> reloadable(Field<T> field) {
  field.reloadable = true;
  return field;
}

/// Where a table stands: `shown` is its name in messages, `place` its path in Places; both empty for none,
/// else ending in a dot.
struct Scope {
  std::string shown;
  std::string place;
};

/// The refusal of a key that is none of `names`.
std::string unknown_key(std::vector<std::string_view> names);

/// Fills `out` from the table. Keys that are neither fields nor among `others` are refused, and so is a
/// required field's absence.
template <class T>
void read_fields(const Value& value, const Fields<T>& fields, const std::vector<std::string_view>& others,
                 const Scope& scope, T& out, Places& places, Problems& problems) {
  std::vector<std::string_view> names = others;
  for (const Field<T>& field : fields) names.push_back(field.key);
  for (const auto& [key, given] : *value.table()) {
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      problems.add(given.where, scope.shown + printable(key, 64), unknown_key(names));
    }
  }
  for (const Field<T>& field : fields) {
    const std::string shown = scope.shown + std::string{field.key};
    if (const Value* given = find(*value.table(), field.key)) {
      places.insert_or_assign(scope.place + std::string{field.key}, given->where);
      if (auto done = field.read(*given, out); !done) problems.add(given->where, shown, done.error().what);
    } else if (field.required) {
      problems.add(value.where, shown, "is missing and has no default: write it");
    }
  }
}

}  // namespace penstock
