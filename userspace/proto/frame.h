// Frames of include/penstock/wire/tunnel.md: one header written, a stream of bytes read.
#pragma once

#include <penstock/wire/frame.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace penstock {

using wire::FrameType;

struct FrameHeader {
  std::uint32_t stream = 0;
  FrameType type{};
  std::uint32_t length = 0;  // of the payload
  bool operator==(const FrameHeader&) const = default;
};

std::string_view name_of(FrameType type);  // "DATA_BACK"; "0x7f" kinds we do not know are "unknown"
bool is_data(FrameType type);              // DATA or DATA_BACK, whose payload is streamed
bool is_udp(FrameType type);               // UDP_*, which belong to a session and to no stream

/// Writes the 9 bytes of a header.
void write_header(const FrameHeader& header, std::span<std::byte, wire::kHeaderSize> out);
/// Appends a whole small frame to `out`.
void append_frame(std::vector<std::byte>& out, std::uint32_t stream, FrameType type, Bytes payload);

/// A frame, or for DATA and DATA_BACK a part of one as its bytes arrive. `payload` points into what was fed
/// (or into the reader) and is good until the next call.
struct FramePart {
  FrameHeader header;
  Bytes payload;
  bool last = true;  // the frame ends with this part
};

/// Turns bytes that arrive in any pieces into frames. No socket, no clock, no log: what it returns is all it
/// does. Frames come whole, within the limit of their type, but for DATA, which comes in parts, so that
/// nothing large is ever held. Checks the form of a header only: a known type, a length within the type's
/// limit and of the size that the type needs (WINDOW_UPDATE* 4, CLOSE* 0, RESET at least 2, GOAWAY at least
/// 6), stream 0 exactly for the frames of the tunnel itself (CONFIG, PING, PONG, HELLO, CONFIG_RESULT,
/// REPORT, GOAWAY). Errors name the frame, its number in the connection and its byte offset; they are final.
class FrameReader {
 public:
  /// Hands over bytes, which must stay where they are until next() returned nothing; the previous ones must
  /// have been read to the end (aborts otherwise, unless the reader failed).
  void feed(Bytes bytes);
  /// The next frame or part, or nothing until more bytes are fed.
  Result<std::optional<FramePart>> next();
  /// "DATA_BACK frame #12 at offset 40210", for errors that others find in the frame that next() returned
  /// last.
  std::string position() const;
  /// What was fed and not read yet, for a reader that stops between two frames; it may be fed again.
  Bytes take_unread() { return std::exchange(input_, {}); }
  /// Whether what was fed goes on with another DATA frame of the same stream: its consumer may expect more at
  /// once.
  bool goes_on() const;

 private:
  Result<bool> begin_frame();
  std::optional<FramePart> data_part();
  std::optional<FramePart> control_frame();
  std::optional<Bytes> gather(std::size_t size);
  Bytes take(std::size_t at_most);
  Error fail(std::string_view why);

  Bytes input_;
  std::vector<std::byte> held_;  // a header or control payload that comes in pieces
  bool held_is_read_ = false;    // what is held was given out, and goes with the next call
  FrameHeader header_;
  bool in_frame_ = false;
  std::uint32_t left_ = 0;          // payload bytes of header_ still to come
  std::uint64_t frames_ = 0;        // begun so far
  std::uint64_t offset_ = 0;        // of the next byte to be taken
  std::uint64_t frame_offset_ = 0;  // of the first byte of header_
  std::optional<Error> failed_;
};

}  // namespace penstock
