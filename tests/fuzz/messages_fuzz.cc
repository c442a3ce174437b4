// The payloads of penstock mode: whatever is accepted is written and read again unchanged.
#include <penstock/wire/frame.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/text.h"
#include "fuzz/check.h"
#include "proto/messages.h"

namespace {

using namespace penstock;

void reset(Bytes payload) {
  const auto read = parse_reset(payload);
  if (!read) return;
  check(is_printable(read->text), "the text of a RESET is safe to print");
  const auto bytes = to_bytes(*read);
  check(bytes.size() <= wire::kMaxReset, "a RESET fits its frame");
  check(parse_reset(bytes).value() == *read, "a RESET survives the round trip");
}

void go_away(Bytes payload) {
  const auto read = parse_go_away(payload);
  if (!read) return;
  check(is_printable(read->text), "the text of a GOAWAY is safe to print");
  const auto bytes = to_bytes(*read);
  check(bytes.size() <= wire::kMaxGoAway, "a GOAWAY fits its frame");
  check(parse_go_away(bytes).value() == *read, "a GOAWAY survives the round trip");
}

void hello(std::string_view json) {
  const auto read = parse_hello(json);
  if (!read) return;
  check(read->carrier < read->carriers, "the index of a carrier is below their number");
  check(is_printable(read->software), "the name of the software is safe to print");
  const std::string text = to_json(*read);
  check(text.size() <= wire::kMaxHello, "a HELLO fits its frame");
  check(parse_hello(text).value() == *read, "a HELLO survives the round trip");
}

void config_result(std::string_view json) {
  const auto read = parse_config_result(json);
  if (!read) return;
  check(parse_config_result(to_json(*read)).value() == *read, "a CONFIG_RESULT survives the round trip");
}

void report(std::string_view json) {
  const auto read = parse_report(json);
  if (!read) return;
  check(parse_report(to_json(*read)).value() == *read, "a REPORT survives the round trip");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes payload = std::as_bytes(std::span{data, size});
  reset(payload);
  go_away(payload);
  hello(as_text(payload));
  config_result(as_text(payload));
  report(as_text(payload));
  return 0;
}
