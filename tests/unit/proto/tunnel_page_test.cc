// Holds include/penstock/wire/tunnel.md to the code: its table of frames and its worked examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "proto/frame.h"
#include "proto/handshake.h"
#include "proto/messages.h"
#include "proto/proxy_header.h"

namespace penstock {
namespace {

std::vector<std::string> page_lines() {
  std::ifstream page{PENSTOCK_TUNNEL_PAGE};
  std::vector<std::string> lines;
  for (std::string line; std::getline(page, line);) lines.push_back(line);
  EXPECT_FALSE(lines.empty()) << PENSTOCK_TUNNEL_PAGE;
  return lines;
}

/// The cells of "| a | b |".
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream{line.substr(1)};
  for (std::string cell; std::getline(stream, cell, '|');) {
    const auto first = cell.find_first_not_of(' ');
    if (first == std::string::npos) continue;
    cells.push_back(cell.substr(first, cell.find_last_not_of(' ') - first + 1));
  }
  return cells;
}

bool accepts(std::uint32_t stream, FrameType type, std::uint32_t length) {
  std::array<std::byte, wire::kHeaderSize> header;
  write_header({stream, type, length}, header);
  FrameReader reader;
  reader.feed(header);
  return reader.next().has_value();
}

std::uint32_t number(const std::string& text) {
  const auto read = parse_number<std::uint32_t>(text);
  EXPECT_TRUE(read) << text;
  return read.value_or(0);
}

void check_row(const std::vector<std::string>& cells) {
  SCOPED_TRACE(cells[1]);
  const auto type = static_cast<FrameType>(std::stoul(cells[0], nullptr, 16));
  const std::uint32_t stream = cells[3] == "0" ? 0 : 1;
  const auto to = cells[4].find(" to ");
  ASSERT_NE(to, std::string::npos);
  const std::uint32_t least = number(cells[4].substr(0, to));
  const std::uint32_t most = number(cells[4].substr(to + 4));

  EXPECT_EQ(cells[1], name_of(type));
  EXPECT_TRUE(accepts(stream, type, least));
  EXPECT_TRUE(accepts(stream, type, most));
  EXPECT_FALSE(accepts(1 - stream, type, least));
  EXPECT_FALSE(accepts(stream, type, most + 1));
  if (least > 0) {
    EXPECT_FALSE(accepts(stream, type, least - 1));
  }
}

TEST(TunnelPage, ItsTableIsWhatTheReaderAccepts) {
  std::size_t rows = 0;
  for (const std::string& line : page_lines()) {
    if (!line.starts_with("| 0x")) continue;
    const auto cells = cells_of(line);
    ASSERT_EQ(cells.size(), 7U) << line;
    check_row(cells);
    EXPECT_EQ(std::stoul(cells[0], nullptr, 16), ++rows) << "the types are in order, and none is left out";
  }
  EXPECT_EQ(name_of(static_cast<FrameType>(rows + 1)), "unknown");
}

/// "# edge to hub: OPEN, stream 1" and the bytes below it.
struct ExampleFrame {
  std::string title;
  std::vector<std::byte> bytes;
};

/// Those of the page, in order.
std::vector<std::vector<ExampleFrame>> examples() {
  std::vector<std::vector<ExampleFrame>> all;
  bool inside = false;
  for (const std::string& line : page_lines()) {
    if (line == "```hex") {
      inside = true;
      all.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside && line.starts_with('#')) {
      all.back().push_back({line, {}});
    } else if (inside) {
      std::string digits;
      for (const char c : line) digits += c == ' ' ? "" : std::string{c};
      for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        all.back().back().bytes.push_back(
            static_cast<std::byte>(std::stoul(digits.substr(i, 2), nullptr, 16)));
      }
    }
  }
  return all;
}

/// "stream 5" or "session 0x80100000".
std::string owner_of(const FrameHeader& header) {
  if ((header.stream & wire::kSessionBit) == 0) return "stream " + std::to_string(header.stream);
  std::array<std::byte, 4> id;
  store_u32(id.data(), header.stream);
  return "session 0x" + to_hex(id);
}

void check_example(const std::vector<ExampleFrame>& frames) {
  FrameReader to_hub;
  FrameReader to_edge;
  for (const ExampleFrame& frame : frames) {
    SCOPED_TRACE(frame.title);
    const bool edge_sends = frame.title.starts_with("# edge to hub: ");
    FrameReader& reader = edge_sends ? to_hub : to_edge;
    reader.feed(frame.bytes);
    const auto part = reader.next();
    ASSERT_TRUE(part) << part.error().what;
    ASSERT_TRUE(*part);
    EXPECT_TRUE((*part)->last);
    EXPECT_EQ(frame.title, std::string{edge_sends ? "# edge to hub: " : "# hub to edge: "}
                               .append(name_of((*part)->header.type))
                               .append(", ")
                               .append(owner_of((*part)->header)));
    ASSERT_FALSE(*reader.next()) << "one frame, and no byte behind it";
  }
}

TEST(TunnelPage, ItsExamplesAreReadAsTheySay) {
  const auto all = examples();
  ASSERT_EQ(all.size(), 2U);
  for (const auto& frames : all) check_example(frames);
}

/// The flow of section 8 as our own codecs write it.
std::vector<std::vector<std::byte>> flow_as_written() {
  const HelloMessage hello{.instance = 0x0123456789abcdef, .features = {}, .software = "penstock 0.1.0"};
  ConfigResultMessage result{.generation = 7};
  result.ok.add({80, 80});
  result.ok.add({8000, 8001});
  const ProxyAddresses addresses{Endpoint::parse("192.0.2.1:40000").value(),
                                 Endpoint::parse("198.51.100.7:80").value()};
  std::array<std::byte, 4> credit;
  store_u32(credit.data(), (1U << 20) - wire::kInitialCredit);
  std::array<std::byte, 8> ping;
  store_u64(ping.data(), 0x0011223344556677);

  std::vector<std::vector<std::byte>> frames;
  const auto write = [&](std::uint32_t stream, FrameType type, Bytes payload) {
    append_frame(frames.emplace_back(), stream, type, payload);
  };
  write(0, FrameType::kHello, as_bytes(to_json(hello)));
  write(0, FrameType::kConfigResult, as_bytes(to_json(result)));
  write(1, FrameType::kOpen, as_bytes(proxy_v1(addresses)));
  write(1, FrameType::kData, as_bytes("GET / HTTP/1.0\r\n\r\n"));
  write(1, FrameType::kWindowUpdateBack, credit);
  write(1, FrameType::kClose, {});
  write(1, FrameType::kDataBack, as_bytes("HTTP/1.0 200 OK\r\n\r\nhello\n"));
  write(1, FrameType::kCloseBack, {});
  write(0, FrameType::kPing, ping);
  write(0, FrameType::kPong, ping);
  write(0, FrameType::kGoAway, to_bytes(GoAwayMessage{PST_R_DRAINING, std::chrono::seconds{5}, ""}));
  return frames;
}

/// The sessions of section 9.
std::vector<std::vector<std::byte>> sessions_as_written() {
  const ProxyAddresses v4{Endpoint::parse("192.0.2.1:40000").value(),
                          Endpoint::parse("198.51.100.7:53").value()};
  const ProxyAddresses v6{Endpoint::parse("[2001:db8::1]:40000").value(),
                          Endpoint::parse("[2001:db8::7]:53").value()};
  constexpr std::uint32_t kOne = wire::kSessionBit | 0x100000;
  constexpr std::uint32_t kOther = kOne + 1;

  std::vector<std::vector<std::byte>> frames;
  const auto write = [&](std::uint32_t session, FrameType type, Bytes payload) {
    append_frame(frames.emplace_back(), session, type, payload);
  };
  write(kOne, FrameType::kUdpOpen, proxy_v2_datagram(v4).view());
  write(kOne, FrameType::kUdpData, as_bytes("query"));
  write(kOne, FrameType::kUdpOpenAck, {});
  write(kOne, FrameType::kUdpDataBack, as_bytes("answer"));
  write(kOther, FrameType::kUdpOpen, proxy_v2_datagram(v6).view());
  write(kOther, FrameType::kUdpData, {});
  write(kOther, FrameType::kReset, to_bytes(ResetMessage{PST_R_NOT_ASSIGNED, ""}));
  write(kOne, FrameType::kUdpClose, {});
  return frames;
}

void compare(const std::vector<ExampleFrame>& page, const std::vector<std::vector<std::byte>>& written) {
  ASSERT_EQ(page.size(), written.size());
  for (std::size_t i = 0; i < page.size(); ++i) {
    EXPECT_EQ(to_hex(page[i].bytes), to_hex(written[i])) << page[i].title;
  }
}

TEST(TunnelPage, ItsExamplesAreWhatWeWrite) {
  const auto all = examples();
  ASSERT_EQ(all.size(), 2U);
  compare(all[0], flow_as_written());
  compare(all[1], sessions_as_written());
}

}  // namespace
}  // namespace penstock
