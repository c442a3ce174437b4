// What a command found out: one line of JSON.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "flowload/distribution.h"

namespace penstock::flowload {

/// A flat JSON object, in the order in which its fields were added. Keys are ours and need no escaping.
class Report {
 public:
  explicit Report(std::string_view event) { add("event", event); }

  template <std::unsigned_integral T>
  Report& add(std::string_view key, T value) {
    return add_raw(key, std::to_string(value));
  }
  Report& add(std::string_view key, double value);
  Report& add(std::string_view key, std::string_view text);
  /// p50_us, p90_us, p99_us, p999_us and max_us.
  Report& add(const Distribution& latency);

  std::string json() const { return "{" + fields_ + "}"; }
  /// Prints the line and flushes, so that a waiting script sees it at once.
  void print() const;

 private:
  Report& add_raw(std::string_view key, std::string_view value);

  std::string fields_;
};

double seconds_of(Duration span);

}  // namespace penstock::flowload
