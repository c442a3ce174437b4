// What a fuzz target asserts: a breach ends the process, which libFuzzer reports with the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace penstock {

inline void check(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "breach: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

}  // namespace penstock
