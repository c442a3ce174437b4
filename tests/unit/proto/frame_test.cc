#include "proto/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace penstock {
namespace {

using testing::HasSubstr;

std::vector<std::byte> header_of(std::uint32_t stream, std::uint8_t type, std::uint32_t length) {
  std::array<std::byte, wire::kHeaderSize> out;
  write_header({stream, static_cast<FrameType>(type), length}, out);
  return {out.begin(), out.end()};
}

/// A frame with its payload put together again.
struct WholeFrame {
  FrameHeader header;
  std::string payload;
  std::string position;
  bool operator==(const WholeFrame&) const = default;
};

/// Reads what there is now; parts of one frame are joined.
void drain(FrameReader& reader, std::vector<WholeFrame>& frames, bool& in_frame) {
  for (;;) {
    const auto part = reader.next();
    ASSERT_TRUE(part) << part.error().what;
    if (!*part) return;
    if (!in_frame) frames.push_back({(*part)->header, {}, reader.position()});
    frames.back().payload += as_text((*part)->payload);
    in_frame = !(*part)->last;
  }
}

std::vector<WholeFrame> read_in_pieces(const std::vector<std::byte>& stream,
                                       const std::vector<std::size_t>& cuts) {
  FrameReader reader;
  std::vector<WholeFrame> frames;
  bool in_frame = false;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : stream.size();
    // A copy of its own, so that a reader that looks beyond a piece, or back at one that is gone, is found
    // out.
    const std::vector<std::byte> piece(stream.begin() + static_cast<std::ptrdiff_t>(from),
                                       stream.begin() + static_cast<std::ptrdiff_t>(to));
    reader.feed(piece);
    drain(reader, frames, in_frame);
    from = to;
  }
  EXPECT_FALSE(in_frame);
  return frames;
}

/// One frame of every kind, of lengths from nothing to more than a header.
std::vector<std::byte> one_of_each() {
  std::vector<std::byte> out;
  append_frame(out, 0, FrameType::kHello, as_bytes(R"({"version":1})"));
  append_frame(out, 1, FrameType::kOpen, as_bytes("PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n"));
  append_frame(out, 1, FrameType::kData, as_bytes("from the client"));
  append_frame(out, 1, FrameType::kData, {});
  append_frame(out, 1, FrameType::kClose, {});
  append_frame(out, 0xffffffff, FrameType::kDataBack, as_bytes("from the backend"));
  append_frame(out, 0xffffffff, FrameType::kCloseBack, {});
  append_frame(out, 0, FrameType::kConfig, as_bytes("{}\n"));
  append_frame(out, 0, FrameType::kPing, as_bytes("8 bytes."));
  append_frame(out, 0, FrameType::kPong, {});
  append_frame(out, 3, FrameType::kWindowUpdate, as_bytes("abcd"));
  append_frame(out, 3, FrameType::kWindowUpdateBack, as_bytes("abcd"));
  append_frame(out, 4, FrameType::kUdpOpen, as_bytes(std::string(28, 'p')));
  append_frame(out, 4, FrameType::kUdpData, as_bytes("d"));
  append_frame(out, 4, FrameType::kUdpDataBack, as_bytes("d"));
  append_frame(out, 4, FrameType::kUdpClose, {});
  append_frame(out, 3, FrameType::kReset, as_bytes("ab"));
  append_frame(out, 0, FrameType::kConfigResult, as_bytes("{}"));
  append_frame(out, 0, FrameType::kReport, as_bytes("{}"));
  append_frame(out, 0, FrameType::kGoAway, as_bytes("abcdef"));
  append_frame(out, 4, FrameType::kUdpOpenAck, {});
  append_frame(out, 4, FrameType::kUdpMove, as_bytes(std::string(28, 'p')));
  return out;
}

TEST(Header, IsNineBytesBigEndian) {
  EXPECT_EQ(to_hex(header_of(0x01020304, 0x04, 0x05060708)), "010203040405060708");
}

TEST(FrameReader, ReadsEveryKind) {
  const auto frames = read_in_pieces(one_of_each(), {});

  ASSERT_EQ(frames.size(), 22U);
  EXPECT_EQ(frames[1].header, (FrameHeader{1, FrameType::kOpen, 45}));
  EXPECT_EQ(frames[1].payload, "PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n");
  EXPECT_EQ(frames[5].header, (FrameHeader{0xffffffff, FrameType::kDataBack, 16}));
  EXPECT_EQ(frames[5].payload, "from the backend");
  EXPECT_EQ(frames[19].payload, "abcdef");
}

TEST(FrameReader, ASplitAnywhereChangesNothing) {
  const auto stream = one_of_each();
  const auto whole = read_in_pieces(stream, {});

  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    ASSERT_EQ(read_in_pieces(stream, {cut}), whole) << "cut at " << cut;
  }
}

TEST(FrameReader, SingleBytesChangeNothing) {
  const auto stream = one_of_each();
  std::vector<std::size_t> cuts;
  for (std::size_t cut = 1; cut < stream.size(); ++cut) cuts.push_back(cut);

  EXPECT_EQ(read_in_pieces(stream, cuts), read_in_pieces(stream, {}));
}

TEST(FrameReader, DataIsNotCopied) {
  std::vector<std::byte> stream;
  append_frame(stream, 7, FrameType::kData, as_bytes(std::string(1000, 'x')));
  FrameReader reader;

  reader.feed(Bytes{stream}.first(wire::kHeaderSize + 400));
  const auto first = reader.next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->payload.data(), stream.data() + wire::kHeaderSize);
  EXPECT_EQ((*first)->payload.size(), 400U);
  EXPECT_FALSE((*first)->last);
  EXPECT_FALSE(*reader.next());

  reader.feed(Bytes{stream}.subspan(wire::kHeaderSize + 400));
  const auto second = reader.next();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->payload.data(), stream.data() + wire::kHeaderSize + 400);
  EXPECT_TRUE((*second)->last);
  EXPECT_EQ((*second)->header.length, 1000U);
}

TEST(FrameReader, DataOfTheLargestSizeComesInParts) {
  FrameReader reader;
  const auto header = header_of(1, 0x02, wire::kMaxPayload);
  reader.feed(header);
  ASSERT_FALSE(*reader.next());

  const std::vector<std::byte> piece(1U << 20);
  std::size_t parts = 0;
  for (bool last = false; !last; ++parts) {
    reader.feed(piece);
    const auto part = reader.next();
    ASSERT_TRUE(part && *part);
    EXPECT_EQ((*part)->payload.data(), piece.data());
    last = (*part)->last;
    ASSERT_FALSE(*reader.next());
  }
  EXPECT_EQ(parts, 16U);
}

TEST(FrameReader, NothingYetIsNotAnError) {
  FrameReader reader;
  EXPECT_FALSE(*reader.next());
  EXPECT_EQ(reader.position(), "before the first frame");

  const auto header = header_of(0, 0x06, wire::kMaxJson);
  reader.feed(header);
  EXPECT_FALSE(*reader.next());
  EXPECT_FALSE(*reader.next());
}

TEST(FrameReader, PositionNamesTheFrameReadLast) {
  const auto frames = read_in_pieces(one_of_each(), {});

  EXPECT_EQ(frames[0].position, "HELLO frame #1 at offset 0");
  EXPECT_EQ(frames[1].position, "OPEN frame #2 at offset 22");
  EXPECT_EQ(frames[2].position, "DATA frame #3 at offset 76");
  EXPECT_EQ(frames[19].position, "GOAWAY frame #20 at offset 315");
}

TEST(FrameReader, AnErrorIsFinal) {
  auto stream = header_of(1, 0x7f, 0);
  append_frame(stream, 1, FrameType::kClose, {});
  FrameReader reader;

  reader.feed(stream);
  const auto first = reader.next();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, make_error_code(Errc::kProtocol));
  reader.feed(stream);
  const auto second = reader.next();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().what, first.error().what);
}

TEST(FrameReaderDeathTest, FeedingBeforeTheEndIsABug) {
  const auto stream = one_of_each();
  FrameReader reader;
  reader.feed(stream);
  EXPECT_DEATH(reader.feed(stream), "");
}

TEST(FrameReader, RefusesWhatHasNotTheFormOfItsType) {
  struct Case {
    int number;
    std::uint32_t stream;
    std::uint8_t type;
    std::uint32_t length;
    const char* part;
  };
  const std::array cases{
      Case{1, 1, 0x00, 0, "unknown frame #2 at offset 9: there is no frame type 0x00"},
      Case{2, 1, 0x16, 0, "there is no frame type 0x16"},
      Case{3, 1, 0xff, 0, "there is no frame type 0xff"},
      Case{4, 1, 0x01, 108, "OPEN frame #2 at offset 9: a payload of 108 bytes is longer than 107"},
      Case{5, 1, 0x02, (16U << 20) + 1, "DATA frame #2 at offset 9: a payload of 16777217 bytes is longer"},
      Case{6, 1, 0x03, 1, "CLOSE frame #2 at offset 9: a payload of 1 bytes is longer than 0"},
      Case{7, 1, 0x04, 0xffffffff, "DATA_BACK frame #2 at offset 9: a payload of 4294967295 bytes is longer"},
      Case{8, 1, 0x05, 1, "CLOSE_BACK frame #2 at offset 9: a payload of 1 bytes is longer than 0"},
      Case{9, 0, 0x06, (1U << 20) + 1, "CONFIG frame #2 at offset 9: a payload of 1048577 bytes is longer"},
      Case{10, 0, 0x07, 65, "PING frame #2 at offset 9: a payload of 65 bytes is longer than 64"},
      Case{11, 0, 0x08, 65, "PONG frame #2 at offset 9: a payload of 65 bytes is longer than 64"},
      Case{12, 1, 0x09, 3, "WINDOW_UPDATE frame #2 at offset 9: a payload of 3 bytes is shorter than 4"},
      Case{13, 1, 0x09, 5, "WINDOW_UPDATE frame #2 at offset 9: a payload of 5 bytes is longer than 4"},
      Case{14, 1, 0x0a, 0, "WINDOW_UPDATE_BACK frame #2 at offset 9: a payload of 0 bytes is shorter than 4"},
      Case{15, 1, 0x0b, 27, "UDP_OPEN frame #2 at offset 9: a payload of 27 bytes is shorter than 28"},
      Case{16, 1, 0x0b, 53, "UDP_OPEN frame #2 at offset 9: a payload of 53 bytes is longer than 52"},
      Case{17, 1, 0x0c, 65508,
           "UDP_DATA frame #2 at offset 9: a payload of 65508 bytes is longer than 65507"},
      Case{18, 1, 0x0d, 65508, "UDP_DATA_BACK frame #2 at offset 9: a payload of 65508 bytes is longer"},
      Case{19, 1, 0x0e, 1, "UDP_CLOSE frame #2 at offset 9: a payload of 1 bytes is longer than 0"},
      Case{20, 1, 0x0f, 1, "RESET frame #2 at offset 9: a payload of 1 bytes is shorter than 2"},
      Case{21, 1, 0x0f, 203, "RESET frame #2 at offset 9: a payload of 203 bytes is longer than 202"},
      Case{22, 0, 0x10, 4097, "HELLO frame #2 at offset 9: a payload of 4097 bytes is longer than 4096"},
      Case{23, 0, 0x11, (1U << 20) + 1, "CONFIG_RESULT frame #2 at offset 9: a payload of 1048577 bytes is"},
      Case{24, 0, 0x12, (1U << 20) + 1, "REPORT frame #2 at offset 9: a payload of 1048577 bytes is longer"},
      Case{25, 0, 0x13, 5, "GOAWAY frame #2 at offset 9: a payload of 5 bytes is shorter than 6"},
      Case{26, 0, 0x13, 207, "GOAWAY frame #2 at offset 9: a payload of 207 bytes is longer than 206"},
      Case{27, 0, 0x01, 45, "OPEN frame #2 at offset 9: it needs a stream, and 0 is none"},
      Case{28, 0, 0x02, 1, "DATA frame #2 at offset 9: it needs a stream, and 0 is none"},
      Case{29, 0, 0x0f, 2, "RESET frame #2 at offset 9: it needs a stream, and 0 is none"},
      Case{30, 5, 0x06, 2,
           "CONFIG frame #2 at offset 9: it belongs to the tunnel, so to stream 0, and not to stream 5"},
      Case{31, 5, 0x07, 8, "PING frame #2 at offset 9: it belongs to the tunnel"},
      Case{32, 5, 0x08, 8, "PONG frame #2 at offset 9: it belongs to the tunnel"},
      Case{33, 5, 0x10, 2, "HELLO frame #2 at offset 9: it belongs to the tunnel"},
      Case{34, 5, 0x11, 2, "CONFIG_RESULT frame #2 at offset 9: it belongs to the tunnel"},
      Case{35, 5, 0x12, 2, "REPORT frame #2 at offset 9: it belongs to the tunnel"},
      Case{36, 5, 0x13, 6, "GOAWAY frame #2 at offset 9: it belongs to the tunnel"},
      Case{37, 1, 0x14, 1, "UDP_OPEN_ACK frame #2 at offset 9: a payload of 1 bytes is longer than 0"},
      Case{38, 0, 0x0c, 1, "UDP_DATA frame #2 at offset 9: it needs a stream, and 0 is none"},
      Case{39, 0, 0x14, 0, "UDP_OPEN_ACK frame #2 at offset 9: it needs a stream, and 0 is none"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(c.number));
    auto stream = header_of(0, 0x07, 0);  // a good frame first: the error counts on from it
    const auto bad = header_of(c.stream, c.type, c.length);
    stream.insert(stream.end(), bad.begin(), bad.end());
    FrameReader reader;
    reader.feed(stream);
    ASSERT_TRUE(*reader.next());
    const auto read = reader.next();
    if (read) {
      ADD_FAILURE() << "was accepted";
      continue;
    }
    EXPECT_THAT(read.error().what, HasSubstr(c.part));
    EXPECT_EQ(read.error().code, make_error_code(Errc::kProtocol));
  }
}

TEST(FrameType, OnlyDataIsStreamed) {
  for (unsigned type = 0; type < 256; ++type) {
    EXPECT_EQ(is_data(static_cast<FrameType>(type)), type == 2 || type == 4) << type;
  }
}

TEST(FrameType, OnlyThoseOfUdpBelongToSessions) {
  for (unsigned type = 0; type < 256; ++type) {
    const auto each = static_cast<FrameType>(type);
    EXPECT_EQ(is_udp(each), name_of(each).starts_with("UDP_")) << type;
  }
}

TEST(FrameType, UnknownOnesHaveNoName) {
  EXPECT_EQ(name_of(FrameType::kDataBack), "DATA_BACK");
  EXPECT_EQ(name_of(static_cast<FrameType>(0)), "unknown");
  EXPECT_EQ(name_of(static_cast<FrameType>(0x16)), "unknown");
  EXPECT_EQ(name_of(static_cast<FrameType>(0xff)), "unknown");
}

}  // namespace
}  // namespace penstock
