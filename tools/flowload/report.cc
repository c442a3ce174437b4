#include "flowload/report.h"

#include <cstdio>

#include "base/text.h"

namespace penstock::flowload {
namespace {

constexpr std::size_t kLongestText = 1000;

double microseconds_of(Duration span) {
  return seconds_of(span) * 1e6;
}

}  // namespace

double seconds_of(Duration span) {
  return std::chrono::duration<double>(span).count();
}

Report& Report::add_raw(std::string_view key, std::string_view value) {
  if (!fields_.empty()) fields_ += ',';
  fields_.append("\"").append(key).append("\":").append(value);
  return *this;
}

Report& Report::add(std::string_view key, double value) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%.3f", value);
  return add_raw(key, {text, static_cast<std::size_t>(length)});
}

Report& Report::add(std::string_view key, std::string_view text) {
  std::string quoted = "\"";
  for (const char c : printable(text, kLongestText)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return add_raw(key, quoted + '"');
}

Report& Report::add(const Distribution& latency) {
  add("p50_us", microseconds_of(latency.percentile(0.5)));
  add("p90_us", microseconds_of(latency.percentile(0.9)));
  add("p99_us", microseconds_of(latency.percentile(0.99)));
  add("p999_us", microseconds_of(latency.percentile(0.999)));
  return add("max_us", microseconds_of(latency.max()));
}

void Report::print() const {
  std::puts(json().c_str());
  std::fflush(stdout);
}

}  // namespace penstock::flowload
