#include "base/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <unordered_set>

namespace penstock {
namespace {

IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const std::string_view text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "2001:db8:1:2:3:4:5:6"}) {
    const auto parsed = IpAddress::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->to_string(), text);
  }
}

TEST(IpAddress, HoldsIpv4Mapped) {
  EXPECT_TRUE(ip("192.0.2.1").is_v4());
  EXPECT_FALSE(ip("2001:db8::1").is_v4());
  EXPECT_EQ(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
  EXPECT_EQ(IpAddress::v4(0xc0000201), ip("192.0.2.1"));
  EXPECT_EQ(ip("192.0.2.1").v4_bytes(), (std::array<std::uint8_t, 4>{192, 0, 2, 1}));
  EXPECT_EQ(IpAddress::v6(ip("2001:db8::1").bytes()), ip("2001:db8::1"));
}

TEST(IpAddress, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ", " 1.2.3.4", "01.2.3.4", "[::1]", "::1%lo",
        "::1/128", "1.2.3.4/24", ":::", "g::1", "localhost"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view{"::1\0", 4}));
  EXPECT_FALSE(IpAddress::parse(std::string_view{"1.2.3.4\0", 8}));
}

TEST(IpAddress, KnowsAnyAndLoopback) {
  EXPECT_TRUE(ip("0.0.0.0").is_any());
  EXPECT_TRUE(ip("::").is_any());
  EXPECT_FALSE(ip("0.0.0.1").is_any());
  EXPECT_FALSE(ip("::1").is_any());
  for (const std::string_view text : {"127.0.0.1", "127.255.255.255", "::1"})
    EXPECT_TRUE(ip(text).is_loopback()) << text;
  for (const std::string_view text : {"126.0.0.1", "128.0.0.1", "0.0.0.0", "::", "::2", "2001:db8::1"}) {
    EXPECT_FALSE(ip(text).is_loopback()) << text;
  }
}

TEST(IpAddress, PrefixClearsTheRest) {
  struct Case {
    std::string_view from;
    int v4_bits;
    int v6_bits;
    std::string_view to;
  };
  for (const Case& c : {
           Case{"192.0.2.255", 32, 64, "192.0.2.255"},
           Case{"192.0.2.255", 24, 64, "192.0.2.0"},
           Case{"192.0.2.255", 25, 64, "192.0.2.128"},
           Case{"192.0.2.255", 1, 64, "128.0.0.0"},
           Case{"192.0.2.255", 0, 64, "0.0.0.0"},
           Case{"2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::"},
           Case{"2001:db8:1:2:3:4:5:6", 32, 128, "2001:db8:1:2:3:4:5:6"},
           Case{"2001:db8:1:2:3:4:5:7", 32, 127, "2001:db8:1:2:3:4:5:6"},
           Case{"2001:db8:1:2:3:4:5:6", 32, 0, "::"},
       }) {
    EXPECT_EQ(ip(c.from).prefix(c.v4_bits, c.v6_bits).to_string(), c.to) << c.from;
  }
}

TEST(IpAddress, HashesEqualsAlike) {
  std::unordered_set<IpAddress, IpAddressHash> set{ip("192.0.2.1"), ip("::1"), ip("::ffff:192.0.2.1")};

  EXPECT_EQ(set.size(), 2U);
  EXPECT_TRUE(set.contains(ip("192.0.2.1")));
}

TEST(Endpoint, ReadsAndWrites) {
  for (const std::string_view text : {"192.0.2.1:80", "[2001:db8::1]:65535", "[::]:1"}) {
    const auto parsed = Endpoint::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->to_string(), text);
  }
}

TEST(Endpoint, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:-1", ":80", "::1:80",
        "[::1]", "[::1]80", "name:80", "[::1]:80 "}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST(Endpoint, PassesThroughSockaddr) {
  for (const std::string_view text : {"192.0.2.1:80", "[2001:db8::1]:443"}) {
    const Endpoint endpoint = *Endpoint::parse(text);
    sockaddr_storage storage{};
    const socklen_t length = endpoint.to_sockaddr(storage);

    EXPECT_EQ(storage.ss_family, endpoint.address.is_v4() ? AF_INET : AF_INET6);
    EXPECT_EQ(length, endpoint.address.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    EXPECT_EQ(Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage)), endpoint);
  }
}

TEST(Endpoint, SockaddrIsInNetworkOrder) {
  sockaddr_storage storage{};
  Endpoint::parse("192.0.2.1:258")->to_sockaddr(storage);

  sockaddr_in in{};
  std::memcpy(&in, &storage, sizeof in);
  EXPECT_EQ(in.sin_port, htons(258));
  EXPECT_EQ(in.sin_addr.s_addr, htonl(0xc0000201));
}

TEST(HostPort, SplitsAtTheLastColon) {
  EXPECT_EQ(*HostPort::parse("hub.example:8443"), (HostPort{"hub.example", 8443}));
  EXPECT_EQ(*HostPort::parse("192.0.2.1:1"), (HostPort{"192.0.2.1", 1}));
  EXPECT_EQ(*HostPort::parse("[2001:db8::1]:80"), (HostPort{"2001:db8::1", 80}));
  EXPECT_EQ((HostPort{"2001:db8::1", 80}).to_string(), "[2001:db8::1]:80");
  EXPECT_EQ((HostPort{"hub", 80}).to_string(), "hub:80");
}

TEST(HostPort, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "hub", "hub:", "hub:0", "hub:65536", ":80", "[]:80", "::1:80", "a b:80", "hub:80:", "hub:+80"}) {
    EXPECT_FALSE(HostPort::parse(text)) << text;
  }
  EXPECT_TRUE(HostPort::parse(std::string(255, 'a') + ":80"));
  EXPECT_FALSE(HostPort::parse(std::string(256, 'a') + ":80"));
}

}  // namespace
}  // namespace penstock
