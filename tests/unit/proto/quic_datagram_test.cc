// What travels in QUIC's datagrams and in front of a flow's stream: what is written is read, and nothing
// malformed is.
#include "proto/quic_datagram.h"

#include <gtest/gtest.h>

#include "proto/proxy_header.h"

namespace penstock {
namespace {

using wire::QuicDatagramType;

constexpr std::uint32_t kId = 0x12345678;

std::string head(QuicDatagramType type, std::uint32_t session) {
  return std::string{as_text(quic_datagram_head(type, session))};
}

std::string proxy_header() {
  return std::string{as_text(proxy_v2_datagram({.client = Endpoint::parse("203.0.113.9:40000").value(),
                                                .local = Endpoint::parse("198.51.100.9:53").value()})
                                 .view())};
}

std::string fragment(const QuicFragment& numbers, std::string_view part) {
  return std::string{as_text(quic_fragment_head(kId, numbers))}.append(part);
}

/// What is said against a datagram; empty: nothing.
std::string fault(std::string_view bytes) {
  const auto read = parse_quic_datagram(as_bytes(bytes));
  return read ? "" : read.error().what;
}

std::string fragment_fault(std::string_view bytes) {
  const auto datagram = parse_quic_datagram(as_bytes(bytes));
  if (!datagram) return datagram.error().what;
  const auto read = parse_quic_fragment(datagram->rest);
  return read ? "" : read.error().what;
}

TEST(QuicDatagramTest, ReadsWhatIsWritten) {
  const std::string plain = head(QuicDatagramType::kData, kId) + "payload";
  const auto data = parse_quic_datagram(as_bytes(plain)).value();
  EXPECT_EQ(data.type, QuicDatagramType::kData);
  EXPECT_EQ(data.session, wire::kSessionBit | kId);
  EXPECT_TRUE(data.proxy_header.empty());
  EXPECT_EQ(as_text(data.rest), "payload");

  const std::string opening = head(QuicDatagramType::kOpen, kId) + proxy_header() + "first";
  const auto open = parse_quic_datagram(as_bytes(opening)).value();
  EXPECT_EQ(open.type, QuicDatagramType::kOpen);
  EXPECT_EQ(as_text(open.proxy_header), proxy_header());
  EXPECT_EQ(as_text(open.rest), "first");
}

TEST(QuicDatagramTest, WritesTheBytesOfThePage) {
  EXPECT_EQ(head(QuicDatagramType::kData, 0x2abbccdd), "\x2a\xbb\xcc\xdd");
  EXPECT_EQ(head(QuicDatagramType::kOpen, 0x2abbccdd), "\x6a\xbb\xcc\xdd");
  EXPECT_EQ(fragment({.number = 0x0102, .index = 3, .count = 4, .part = {}}, "x"),
            std::string("\x92\x34\x56\x78\x01\x02\x03\x04x"));
  EXPECT_EQ(quic_open("line\r\n"), std::string("\x01\x00\x06line\r\n", 9));
}

TEST(QuicDatagramTest, TakesSessionsWithAndWithoutTheirBit) {
  EXPECT_EQ(quic_datagram_head(QuicDatagramType::kData, wire::kSessionBit | kId),
            quic_datagram_head(QuicDatagramType::kData, kId));
}

TEST(QuicDatagramTest, MayBeEmptyBehindItsHeads) {
  EXPECT_EQ(fault(head(QuicDatagramType::kData, kId)), "");
  EXPECT_EQ(fault(head(QuicDatagramType::kOpen, kId) + proxy_header()), "");
}

TEST(QuicDatagramTest, RefusesAHeadThatIsCutOff) {
  for (std::size_t size = 0; size < wire::kQuicDatagramHead; ++size)
    EXPECT_EQ(fault(head(QuicDatagramType::kData, kId).substr(0, size)), "a datagram without a session id");
}

TEST(QuicDatagramTest, RefusesAnUnknownType) {
  EXPECT_EQ(fault({"\xc0\x00\x00\x01payload", 11}), "a datagram of an unknown type");
}

TEST(QuicDatagramTest, RefusesAProxyHeaderThatIsCutOff) {
  const std::string whole = head(QuicDatagramType::kOpen, kId) + proxy_header();
  for (std::size_t size = wire::kQuicDatagramHead; size < whole.size(); ++size)
    EXPECT_EQ(fault(whole.substr(0, size)), "the PROXY header is cut off") << size;
}

TEST(QuicDatagramTest, RefusesAProxyHeaderThatIsTooLong) {
  std::string header = proxy_header();
  header[14] = '\x7f';
  EXPECT_EQ(fault(head(QuicDatagramType::kOpen, kId) + header + std::string(0x8000, 'x')),
            "the PROXY header is too long");
}

TEST(QuicDatagramTest, ReadsFragments) {
  const std::string bytes = fragment({.number = 65535, .index = 1, .count = 2, .part = {}}, "part");
  const auto datagram = parse_quic_datagram(as_bytes(bytes)).value();
  EXPECT_EQ(datagram.type, QuicDatagramType::kFragment);
  EXPECT_EQ(datagram.session, wire::kSessionBit | kId);
  const auto read = parse_quic_fragment(datagram.rest).value();
  EXPECT_EQ(read.number, 65535);
  EXPECT_EQ(read.index, 1);
  EXPECT_EQ(read.count, 2);
  EXPECT_EQ(as_text(read.part), "part");
}

TEST(QuicDatagramTest, RefusesAFragmentWithoutAPart) {
  const std::string bytes = fragment({.number = 1, .index = 0, .count = 2, .part = {}}, "x");
  for (std::size_t size = wire::kQuicDatagramHead; size < bytes.size(); ++size)
    EXPECT_EQ(fragment_fault(bytes.substr(0, size)), "a fragment without a part") << size;
}

TEST(QuicDatagramTest, RefusesDatagramsOfOneFragmentOrTooMany) {
  for (const int count : {0, 1, 5, 255}) {
    const auto byte = static_cast<std::uint8_t>(count);
    EXPECT_EQ(fragment_fault(fragment({.number = 1, .index = 0, .count = byte, .part = {}}, "x")),
              "a datagram of " + std::to_string(count) + " fragments");
  }
}

TEST(QuicDatagramTest, RefusesAFragmentBehindTheLastOne) {
  EXPECT_EQ(fragment_fault(fragment({.number = 1, .index = 2, .count = 2, .part = {}}, "x")),
            "a fragment behind the last one");
  EXPECT_EQ(fragment_fault(fragment({.number = 1, .index = 255, .count = 4, .part = {}}, "x")),
            "a fragment behind the last one");
}

}  // namespace
}  // namespace penstock
