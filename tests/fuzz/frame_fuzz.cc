// However a stream of bytes is cut, FrameReader makes the same frames of it and finds the same error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz/check.h"
#include "proto/frame.h"

namespace {

using namespace penstock;

/// What came out: frames written again, and the error.
struct Outcome {
  std::vector<std::byte> stream;
  std::size_t frames = 0;
  std::string error;
  std::string position;
  bool operator==(const Outcome&) const = default;
};

class Reading {
 public:
  /// False once the reader failed.
  bool feed(Bytes bytes) {
    const std::vector<std::byte> copy(bytes.begin(), bytes.end());  // what is read outside of it is found
    reader_.feed(copy);
    for (;;) {
      const auto part = reader_.next();
      if (!part) {
        outcome_.error = part.error().what;
        check(part.error().code == make_error_code(Errc::kProtocol), "an error is a protocol error");
        return false;
      }
      if (!*part) return true;
      add(**part);
    }
  }

  Outcome finish() {
    outcome_.position = reader_.position();
    return outcome_;
  }

 private:
  void add(const FramePart& part) {
    check(is_data(part.header.type) || part.last, "only data comes in parts");
    check(part.last || !part.payload.empty(), "a part that is not the last has bytes");
    if (left_ == 0) {
      left_ = part.header.length;
      ++outcome_.frames;
      append_frame(outcome_.stream, part.header.stream, part.header.type, {});
      store_u32(&*outcome_.stream.end() - 4, part.header.length);
    }
    check(part.payload.size() <= left_, "parts are no longer than their frame");
    left_ -= static_cast<std::uint32_t>(part.payload.size());
    check(part.last == (left_ == 0), "the last part ends the frame");
    outcome_.stream.insert(outcome_.stream.end(), part.payload.begin(), part.payload.end());
  }

  FrameReader reader_;
  Outcome outcome_;
  std::uint32_t left_ = 0;
};

}  // namespace

/// The first byte seeds the sizes of the pieces; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes stream = std::as_bytes(std::span{data, size}).subspan(1);

  Reading whole;
  whole.feed(stream);
  const Outcome expected = whole.finish();
  check(std::equal(expected.stream.begin(), expected.stream.end(), stream.begin()),
        "the frames, written again, are what was read");

  Reading pieces;
  std::uint32_t random = data[0];
  for (Bytes rest = stream; !rest.empty();) {
    random = random * 1664525U + 1013904223U;
    const std::size_t piece = std::min<std::size_t>(1 + (random >> 24) % 24, rest.size());
    if (!pieces.feed(rest.first(piece))) break;
    rest = rest.subspan(piece);
  }
  check(pieces.finish() == expected, "pieces make what the whole makes");
  return 0;
}
