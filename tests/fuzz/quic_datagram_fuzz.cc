// What comes in QUIC's datagrams: what is read is written back unchanged, and fragments stay within bounds.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "fuzz/check.h"
#include "tunnel/fragment_assembler.h"

namespace {

using namespace penstock;

std::string text_of(Bytes bytes) {
  return std::string{as_text(bytes)};
}

void read_datagram(Bytes bytes) {
  const auto read = parse_quic_datagram(bytes);
  if (!read) return;
  check((read->session & wire::kSessionBit) != 0, "a datagram belongs to a session");
  const auto head = quic_datagram_head(read->type, read->session);
  check(text_of(head) + text_of(read->proxy_header) + text_of(read->rest) == as_text(bytes),
        "a datagram survives the round trip");
  if (read->type != wire::QuicDatagramType::kFragment) return;
  const auto fragment = parse_quic_fragment(read->rest);
  if (!fragment) return;
  check(!fragment->part.empty() && fragment->index < fragment->count, "a fragment is a part of something");
  const auto numbers = quic_fragment_head(read->session, *fragment);
  check(text_of(numbers) + text_of(fragment->part) == as_text(bytes), "a fragment survives the round trip");
}

/// The input as a sequence of fragments: four bytes say which, and how long after the one before.
void assemble(Bytes bytes) {
  FragmentAssembler assembler;
  Time now{std::chrono::hours{1}};
  while (bytes.size() > 4) {
    const auto count = static_cast<std::uint8_t>(2 + std::to_integer<unsigned>(bytes[0]) % 3);
    const QuicFragment fragment{
        .number = std::to_integer<std::uint16_t>(bytes[1] & std::byte{7}),
        .index = static_cast<std::uint8_t>(std::to_integer<unsigned>(bytes[0] >> 4) % count),
        .count = count,
        .part = bytes.first(std::min(bytes.size(), 1 + std::to_integer<std::size_t>(bytes[2])))};
    now += std::chrono::milliseconds{std::to_integer<int>(bytes[3])};
    const std::size_t before = assembler.bytes();
    const Bytes whole = assembler.take(std::to_integer<std::uint32_t>(bytes[1] >> 6), fragment, now);
    check(whole.empty() || whole.size() >= count, "a whole datagram has all its parts");
    check(whole.size() <= before + fragment.part.size(), "a whole datagram is made of what came");
    check(assembler.bytes() <= FragmentAssembler::kMostBytes, "what waits is bounded");
    bytes = bytes.subspan(4);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span{data, size});
  read_datagram(bytes);
  assemble(bytes);
  return 0;
}
