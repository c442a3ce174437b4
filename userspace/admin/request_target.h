// The target of an HTTP request, taken apart: "/v1/flows?edge=fra1" is {"v1", "flows"} and {"edge": "fra1"}.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock {

/// Split first and percent-decoded then, so that a part may contain '/' as %2F. '+' stands for itself.
struct RequestTarget {
  std::vector<std::string> path;
  std::map<std::string, std::string, std::less<>> query;  // "?follow" is {"follow": ""}

  /// Refuses a target that does not begin with '/', a broken or NUL escape, and a query key given twice.
  static Result<RequestTarget> parse(std::string_view text);
  bool operator==(const RequestTarget&) const = default;
};

}  // namespace penstock
