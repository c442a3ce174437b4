// Frames of packetload, byte by byte: whose they are, and that their checksums are right. Needs root.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "bpf/packet.h"
#include "packetload/generator.h"

namespace penstock::packetload {
namespace {

constexpr Mac kNextHop{0x02, 0, 0, 0, 0, 0x77};

/// Of the loopback device, whose address is zeros. No frame leaves.
Options options_of(std::vector<const char*> more) {
  more.insert(more.begin(), {"--interface=lo", "--mac=02:00:00:00:00:77", "--connect=198.51.100.7:7000"});
  auto options = parse_options(more);
  EXPECT_TRUE(options);
  return *options;
}

Octets next(Generator& generator) {
  const auto made = generator.make();
  EXPECT_TRUE(made) << made.error().what;
  const auto* const begin = reinterpret_cast<const std::uint8_t*>(made->data());
  return {begin, begin + made->size()};
}

Octets expected(std::string_view source, std::uint16_t port, std::size_t size) {
  return Packet{}
      .eth(kNextHop, Mac{})
      .ip(source, "198.51.100.7")
      .udp(port, 7000)
      .payload(Octets(size))
      .bytes();
}

TEST(PacketloadFrameTest, SessionsTakeTurns) {
  auto generator =
      Generator::load(options_of({"--sources=192.0.2.10,192.0.2.11", "--sessions=5", "--first-port=65000"}));
  ASSERT_TRUE(generator) << generator.error().what;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(next(*generator), expected("192.0.2.10", 65000, 60));
    EXPECT_EQ(next(*generator), expected("192.0.2.11", 65000, 60));
    EXPECT_EQ(next(*generator), expected("192.0.2.10", 65001, 60));
    EXPECT_EQ(next(*generator), expected("192.0.2.11", 65001, 60));
    EXPECT_EQ(next(*generator), expected("192.0.2.10", 65002, 60));
  }
  EXPECT_EQ(generator->made(), 10u);
}

TEST(PacketloadFrameTest, PortsOfTheDestinationTakeTurns) {
  auto generator = Generator::load(options_of({"--sources=192.0.2.10", "--sessions=3", "--ports=2"}));
  ASSERT_TRUE(generator) << generator.error().what;
  const auto expect_next = [&](std::uint16_t from, std::uint16_t to) {
    EXPECT_EQ(next(*generator), Packet{}
                                    .eth(kNextHop, Mac{})
                                    .ip("192.0.2.10", "198.51.100.7")
                                    .udp(from, to)
                                    .payload(Octets(60))
                                    .bytes());
  };
  for (int round = 0; round < 2; ++round) {
    expect_next(1024, 7000);
    expect_next(1024, 7001);
    expect_next(1025, 7000);
  }
}

TEST(PacketloadFrameTest, StrangersComeBesideSessions) {
  auto generator = Generator::load(options_of(
      {"--sources=192.0.2.10", "--sessions=2", "--random-sources=100.64.0.0/10", "--strangers=2"}));
  ASSERT_TRUE(generator) << generator.error().what;
  for (const int port : {1024, 1025, 1024}) {
    EXPECT_EQ(next(*generator), expected("192.0.2.10", static_cast<std::uint16_t>(port), 60));
    for (int i = 0; i < 2; ++i) {
      const Octets frame = next(*generator);
      ASSERT_EQ(frame.size(), 14u + 20 + 8 + 60);
      EXPECT_EQ(frame[26], 100);
      EXPECT_EQ(frame[27] & 0xc0, 64);
    }
  }
  EXPECT_EQ(generator->made(), 9u);
  EXPECT_EQ(generator->made_of_sessions(), 3u);
}

TEST(PacketloadFrameTest, SizesTakeTurnsWhenMixed) {
  auto generator = Generator::load(options_of({"--sources=192.0.2.10", "--size=18", "--mixed"}));
  ASSERT_TRUE(generator) << generator.error().what;
  for (const std::size_t size : {16, 17, 18, 16})
    EXPECT_EQ(next(*generator), expected("192.0.2.10", 1024, size));
}

TEST(PacketloadFrameTest, ChecksumsAreRightForAnySource) {
  auto generator = Generator::load(options_of({"--random-sources=255.254.0.0/15", "--size=1472"}));
  ASSERT_TRUE(generator) << generator.error().what;
  std::set<std::string> sources;
  for (int i = 0; i < 2000; ++i) {
    const Octets frame = next(*generator);
    ASSERT_EQ(frame.size(), 14u + 20 + 8 + 1472);
    std::string source;
    for (std::size_t at = 26; at < 30; ++at) source += (at == 26 ? "" : ".") + std::to_string(frame[at]);
    const auto port = static_cast<std::uint16_t>(frame[34] << 8 | frame[35]);
    ASSERT_TRUE(source.starts_with("255.254.") || source.starts_with("255.255.")) << source;
    ASSERT_GE(port, 1024);
    ASSERT_EQ(frame, expected(source, port, 1472));
    sources.insert(source);
  }
  EXPECT_GT(sources.size(), 1900u);
}

TEST(PacketloadFrameTest, MakesNoMoreThanWasAsked) {
  auto generator = Generator::load(options_of({"--sources=192.0.2.10", "--datagrams=2"}));
  ASSERT_TRUE(generator) << generator.error().what;
  next(*generator);
  next(*generator);
  EXPECT_FALSE(generator->make());
  EXPECT_EQ(generator->made(), 2u);
}

TEST(PacketloadFrameTest, MakesNoneBeforeItsTime) {
  auto generator = Generator::load(options_of({"--sources=192.0.2.10", "--rate=1"}));
  ASSERT_TRUE(generator) << generator.error().what;
  next(*generator);
  EXPECT_FALSE(generator->make());
}

/// Live frames; the loopback device takes none of them.
TEST(PacketloadFrameTest, EndsByCountByTimeAndWhenStopped) {
  auto generator = Generator::load(options_of({"--sources=192.0.2.10", "--datagrams=1000"}));
  ASSERT_TRUE(generator) << generator.error().what;
  const std::sig_atomic_t on = 0, off = 1;
  ASSERT_TRUE(generator->send_until(Clock::now() + std::chrono::hours{1}, off));
  EXPECT_EQ(generator->made(), 0u);
  ASSERT_TRUE(generator->send_until(Clock::now(), on));
  EXPECT_EQ(generator->made(), 0u);
  ASSERT_TRUE(generator->send_until(Clock::now() + std::chrono::hours{1}, on));
  EXPECT_EQ(generator->made(), 1000u);
}

TEST(PacketloadFrameTest, NamesAnInterfaceThatIsNotThere) {
  Options options = options_of({"--sources=192.0.2.10"});
  options.interface = "nowhere0";
  const auto generator = Generator::load(options);
  ASSERT_FALSE(generator);
  EXPECT_NE(generator.error().what.find("nowhere0"), std::string::npos);
}

}  // namespace
}  // namespace penstock::packetload
