// What the command line of packetload takes, and what it refuses before anything is sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "packetload/options.h"

namespace penstock::packetload {
namespace {

using ::testing::HasSubstr;

const std::vector<const char*> kLeast{"--interface=edge", "--mac=02:00:00:00:00:aB", "--connect",
                                      "192.0.2.1:7000"};

Result<Options> parse(std::vector<const char*> more) {
  more.insert(more.begin(), kLeast.begin(), kLeast.end());
  return parse_options(more);
}

TEST(PacketloadOptionsTest, ReadsAll) {
  const auto options =
      parse({"--sources=192.0.2.10,192.0.2.11", "--sessions=100", "--first-port", "2000", "--ports=10",
             "--size=400", "--mixed", "--rate=5000", "--datagrams=100000", "--seconds=3"});
  ASSERT_TRUE(options) << options.error().what;
  EXPECT_EQ(options->interface, "edge");
  EXPECT_EQ(options->mac, (MacAddress{2, 0, 0, 0, 0, 0xab}));
  EXPECT_EQ(options->connect.to_string(), "192.0.2.1:7000");
  ASSERT_EQ(options->sources.size(), 2u);
  EXPECT_EQ(options->sources[1].to_string(), "192.0.2.11");
  EXPECT_EQ(options->sessions, 100u);
  EXPECT_EQ(options->ports, 10u);
  EXPECT_EQ(options->first_port, 2000u);
  EXPECT_EQ(options->size, 400u);
  EXPECT_TRUE(options->mixed);
  EXPECT_EQ(options->rate, 5000u);
  EXPECT_EQ(options->datagrams, 100'000u);
  EXPECT_EQ(options->seconds, 3u);
}

TEST(PacketloadOptionsTest, IsBoundedWhenNothingIsSaid) {
  const auto options = parse({"--random-sources=198.18.0.0/15"});
  ASSERT_TRUE(options) << options.error().what;
  EXPECT_EQ(options->seconds, 10u);
  EXPECT_EQ(options->random_sources->to_string(), "198.18.0.0/15");
}

TEST(PacketloadOptionsTest, StrangersComeBesideSessions) {
  const auto options =
      parse({"--random-sources=198.18.0.0/15", "--sources=192.0.2.10", "--sessions=3", "--strangers=10"});
  ASSERT_TRUE(options) << options.error().what;
  EXPECT_EQ(options->strangers, 10u);
  EXPECT_EQ(options->sessions, 3u);
}

TEST(PacketloadOptionsTest, RefusesWhatMakesNoSense) {
  const std::vector<std::pair<std::vector<const char*>, const char*>> table{
      {{}, "either --sources or --random-sources"},
      {{"--sources=192.0.2.10", "--random-sources=10.0.0.0/8"}, "either --sources or --random-sources"},
      {{"--random-sources=10.0.0.0/8", "--sessions=2"}, "makes no sessions"},
      {{"--random-sources=10.0.0.1"}, "/31 at most"},
      {{"--random-sources=2001:db8::/32"}, "IPv4"},
      {{"--sources=2001:db8::1"}, "IPv4"},
      {{"--sources=192.0.2.10", "--first-port=65000", "--sessions=537"}, "more --sources"},
      {{"--sources=192.0.2.10", "--strangers=1"}, "both with --strangers"},
      {{"--random-sources=10.0.0.0/8", "--strangers=1"}, "both with --strangers"},
      {{"--sources=192.0.2.10", "--ports=1001"}, "1 to 1000"},
      {{"--sources=192.0.2.10", "--size=1473"}, "16 to 1472"},
      {{"--sources=192.0.2.10", "--mixed=1"}, "takes no value"},
      {{"--sources=192.0.2.10", "--mac=02:00:00:00:00:01"}, "given twice"},
      {{"--sources=192.0.2.10", "--flows=1"}, "no option"},
      {{"--sources=192.0.2.10", "--seconds"}, "needs a value"},
  };
  for (const auto& [arguments, says] : table) {
    const auto options = parse(arguments);
    ASSERT_FALSE(options) << says;
    EXPECT_THAT(options.error().what, HasSubstr(says));
  }
  EXPECT_TRUE(parse({"--sources=192.0.2.10", "--first-port=65000", "--sessions=536"}));
  EXPECT_TRUE(parse({"--sources=192.0.2.10", "--first-port=65000", "--sessions=5360", "--ports=10"}));
}

TEST(PacketloadOptionsTest, NamesWhatIsMissing) {
  const std::vector<const char*> none{"--mac=02:00:00:00:00:01"};
  EXPECT_THAT(parse_options(none).error().what, HasSubstr("--interface is needed"));
}

TEST(PacketloadOptionsTest, ReadsHardwareAddresses) {
  EXPECT_EQ(*parse_mac("fe:01:23:45:67:89"), (MacAddress{0xfe, 1, 0x23, 0x45, 0x67, 0x89}));
  for (const char* text :
       {"", "02:00:00:00:00", "02:00:00:00:00:0", "02:00:00:00:00:001", "02-00-00-00-00-01",
        "0x:00:00:00:00:01", "+2:00:00:00:00:01", "02:00:00:00:00:0g"})
    EXPECT_FALSE(parse_mac(text)) << text;
}

TEST(PacketloadOptionsTest, HelpNamesEveryOption) {
  for (const char* name :
       {"interface", "mac", "connect", "sources", "random-sources", "sessions", "strangers", "ports",
        "first-port", "size", "mixed", "rate", "datagrams", "seconds"})
    EXPECT_THAT(help(), HasSubstr("  --" + std::string{name}));
}

}  // namespace
}  // namespace penstock::packetload
