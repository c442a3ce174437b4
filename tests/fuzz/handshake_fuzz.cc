// The lines of the handshake: whatever is accepted is written and read again unchanged.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/text.h"
#include "fuzz/check.h"
#include "proto/handshake.h"
#include "proto/token.h"

namespace {

using namespace penstock;

void edge_line(std::string_view text) {
  const auto line = parse_edge_line(text);
  if (!line) return;
  check(is_edge_id(line->id) && is_secret(line->secret), "what is accepted has the form that it must have");
  check(to_line(*line) == std::string{text} + "\n", "there is one way to write an EDGE line");
}

void assignment(std::string_view text) {
  const auto read = parse_assignment(text);
  if (!read) return;
  const auto again = parse_assignment(to_line(*read));
  check(again && *again == *read, "an assignment survives the round trip");
  check(!ports_of(*read).contains(0) && !udp_ports_of(*read).contains(0), "port 0 is never assigned");
}

void refusal(std::string_view text) {
  const auto read = parse_refusal(text);
  if (!read) return;
  check(is_name(read->reason) && is_printable(read->message), "a refusal is safe to print");
  check(parse_refusal(to_line(*read)) == read, "a refusal survives the round trip");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  edge_line(text);
  assignment(text);
  refusal(text);
  return 0;
}
