// What is wrong with a configuration, collected so that the operator learns all of it at once.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/value.h"

namespace penstock {

/// Where each key was written, by its path: "limits.flows", "service[0].ports"; sections by their name alone.
using Places = std::map<std::string, Where, std::less<>>;

/// The errors of one source of settings.
class Problems {
 public:
  /// `path` names the file in messages; empty when there is none.
  explicit Problems(std::string path) : path_{std::move(path)} {}

  void add(const Where& where, std::string_view key, std::string_view what);
  bool empty() const { return found_.empty(); }
  /// Whether that key was refused already, so that checks which involve it would mislead.
  bool concern(std::string_view key) const;
  /// All in one error: "file:line: key: what is wrong", one a line, in the order of the file, 20 at most.
  Error to_error() const;

 private:
  struct Problem {
    Where where;
    std::string key;
    std::string what;
  };
  std::string describe(const Problem& problem) const;

  std::string path_;
  std::vector<Problem> found_;
};

}  // namespace penstock
