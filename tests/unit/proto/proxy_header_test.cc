#include "proto/proxy_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <vector>

namespace penstock {
namespace {

using testing::HasSubstr;

Endpoint at(std::string_view address, std::uint16_t port) {
  return {IpAddress::parse(address).value(), port};
}

const ProxyAddresses kV4{at("192.0.2.1", 40000), at("198.51.100.7", 443)};
const ProxyAddresses kV6{at("2001:db8::1", 40000), at("2001:db8:ffff::7", 443)};
const ProxyAddresses kMixed{at("192.0.2.1", 1), at("2001:db8::7", 65535)};

TEST(ProxyV1, WritesTheLine) {
  EXPECT_EQ(proxy_v1(kV4), "PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n");
  EXPECT_EQ(proxy_v1(kV6), "PROXY TCP6 2001:db8::1 2001:db8:ffff::7 40000 443\r\n");
  EXPECT_EQ(proxy_v1(kMixed), "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::7 1 65535\r\n");
}

TEST(ProxyV1, ReadsWhatItWrites) {
  for (const ProxyAddresses& addresses : {kV4, kV6, kMixed, ProxyAddresses{at("0.0.0.0", 0), at("::", 0)}}) {
    const auto read = parse_proxy_v1(proxy_v1(addresses));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(*read, addresses);
  }
}

TEST(ProxyV1, TheLongestLineFits) {
  const std::string_view longest = "fedc:ba98:7654:3210:fedc:ba98:7654:3210";
  const ProxyAddresses addresses{at(longest, 65535), at(longest, 65535)};

  EXPECT_LE(proxy_v1(addresses).size(), 107U);
  EXPECT_EQ(*parse_proxy_v1(proxy_v1(addresses)), addresses);
}

TEST(ProxyV1, RefusesWhatIsNotExactlyOneLine) {
  struct Case {
    int number;
    std::string line;
    const char* part;
  };
  const std::array cases{
      Case{1, "", "does not end in CR LF"},
      Case{2, "PROXY TCP4 192.0.2.1 198.51.100.7 40000 443", "does not end in CR LF"},
      Case{3, "PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\n", "does not end in CR LF"},
      Case{4, "PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\nGET /\r\n",
           "the local port '443\\x0d\\x0aGET /'"},
      Case{5, std::string(106, 'x') + "\r\n", "longer than 107 bytes"},
      Case{6, "proxy TCP4 192.0.2.1 198.51.100.7 40000 443\r\n", "the keyword 'proxy'"},
      Case{7, "PROXY UNKNOWN\r\n", "the family 'UNKNOWN'"},
      Case{8, "PROXY UDP4 192.0.2.1 198.51.100.7 40000 443\r\n", "the family 'UDP4'"},
      Case{9, "PROXY  TCP4 192.0.2.1 198.51.100.7 40000 443\r\n", "the family ''"},
      Case{10, "PROXY TCP4 192.0.2.256 198.51.100.7 40000 443\r\n", "the client address '192.0.2.256'"},
      Case{11, "PROXY TCP4 192.0.2.01 198.51.100.7 40000 443\r\n", "the client address '192.0.2.01'"},
      Case{12, "PROXY TCP4 2001:db8::1 198.51.100.7 40000 443\r\n", "the client address '2001:db8::1'"},
      Case{13, "PROXY TCP4 ::ffff:192.0.2.1 198.51.100.7 40000 443\r\n",
           "the client address '::ffff:192.0.2.1'"},
      Case{14, "PROXY TCP6 192.0.2.1 2001:db8::1 40000 443\r\n", "the client address '192.0.2.1'"},
      Case{15, "PROXY TCP6 2001:db8::1 2001:db8::g 40000 443\r\n", "the local address '2001:db8::g'"},
      Case{16, "PROXY TCP6 2001:db8::1 fe80::1%eth0 40000 443\r\n", "the local address 'fe80::1%eth0'"},
      Case{17, "PROXY TCP4 192.0.2.1\r\n", "the local address ''"},
      Case{18, "PROXY TCP4 192.0.2.1 198.51.100.7\r\n", "the client port ''"},
      Case{19, "PROXY TCP4 192.0.2.1 198.51.100.7 040000 443\r\n", "the client port '040000'"},
      Case{20, "PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n", "the client port '65536'"},
      Case{21, "PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n", "the client port '-1'"},
      Case{22, "PROXY TCP4 192.0.2.1 198.51.100.7 40000\r\n", "the local port ''"},
      Case{23, "PROXY TCP4 192.0.2.1 198.51.100.7 40000 443 \r\n", "the local port '443 '"},
      Case{24, "PROXY TCP4 192.0.2.1 198.51.100.7 40000 +443\r\n", "the local port '+443'"},
      Case{25, "PROXY TCP4 192.0.2.1 198.51.100.7 40000 00\r\n", "the local port '00'"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(c.number));
    const auto read = parse_proxy_v1(c.line);
    if (read) {
      ADD_FAILURE() << "was accepted";
      continue;
    }
    EXPECT_THAT(read.error().what, HasSubstr(c.part));
  }
}

TEST(ProxyV2, WritesTheBytesOfTheSpecification) {
  EXPECT_EQ(to_hex(proxy_v2(kV4).view()),
            "0d0a0d0a000d0a515549540a"  // signature
            "2111000c"                  // version 2 and PROXY, TCP over IPv4, 12 bytes
            "c0000201c6336407"          // addresses
            "9c4001bb");                // ports
  EXPECT_EQ(to_hex(proxy_v2(kV6).view()),
            "0d0a0d0a000d0a515549540a"
            "21210024"
            "20010db8000000000000000000000001"
            "20010db8ffff00000000000000000007"
            "9c4001bb");
  EXPECT_EQ(to_hex(proxy_v2(kMixed).view()),
            "0d0a0d0a000d0a515549540a"
            "21210024"
            "00000000000000000000ffffc0000201"
            "20010db8000000000000000000000007"
            "0001ffff");
}

// ---------------------------------------------------------------------------------------------- datagrams

/// From hexadecimal digits; blanks only help the eye.
std::vector<std::byte> bytes_of(std::string_view hex) {
  std::string digits;
  std::copy_if(hex.begin(), hex.end(), std::back_inserter(digits), [](char c) { return c != ' '; });
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

constexpr std::string_view kV4Header = "0d0a0d0a000d0a515549540a 21 12 000c c0000201 c6336407 9c40 01bb";
constexpr std::string_view kV6Header =
    "0d0a0d0a000d0a515549540a 21 22 0024 20010db8000000000000000000000001 20010db8ffff00000000000000000007"
    "9c40 01bb";
constexpr std::string_view kMixedHeader =
    "0d0a0d0a000d0a515549540a 21 22 0024 00000000000000000000ffffc0000201 20010db8000000000000000000000007"
    "0001 ffff";

TEST(ProxyV2Datagram, WritesTheBytesOfTheSpecification) {
  EXPECT_EQ(to_hex(proxy_v2_datagram(kV4).view()), to_hex(bytes_of(kV4Header)));
  EXPECT_EQ(to_hex(proxy_v2_datagram(kV6).view()), to_hex(bytes_of(kV6Header)));
  EXPECT_EQ(to_hex(proxy_v2_datagram(kMixed).view()), to_hex(bytes_of(kMixedHeader)));
}

TEST(ProxyV2Datagram, ReadsTheBytesOfTheSpecification) {
  EXPECT_EQ(parse_proxy_v2_datagram(bytes_of(kV4Header)).value(), kV4);
  EXPECT_EQ(parse_proxy_v2_datagram(bytes_of(kV6Header)).value(), kV6);
  EXPECT_EQ(parse_proxy_v2_datagram(bytes_of(kMixedHeader)).value(), kMixed);
}

TEST(ProxyV2Datagram, ReadsTwoMappedAddressesAsIpv4) {
  const auto read =
      parse_proxy_v2_datagram(bytes_of("0d0a0d0a000d0a515549540a 21 22 0024 00000000000000000000ffffc0000201"
                                       "00000000000000000000ffffc6336407 9c40 01bb"));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(*read, kV4);
  EXPECT_TRUE(read->client.address.is_v4());
}

TEST(ProxyV2Datagram, RefusesWhatIsNotExactlyOneHeader) {
  struct Case {
    int number;
    std::string hex;
    const char* part;
  };
  const std::string signature = "0d0a0d0a000d0a515549540a";
  const std::string v4 = " c0000201 c6336407 9c40 01bb";
  const std::string v6 = std::string(72, '0');
  const std::array cases{
      Case{1, "", "it has 0 bytes"},
      Case{2, signature + "211200", "it has 15 bytes"},
      Case{3, "0d0a0d0a000d0a515549540b 21 12 000c" + v4, "the signature is another"},
      Case{4, "0d0a0d0a000d0a515549550a 21 12 000c" + v4, "the signature is another"},
      Case{5, signature + "11 12 000c" + v4, "the version is 1"},
      Case{6, signature + "31 12 000c" + v4, "the version is 3"},
      Case{7, signature + "20 12 000c" + v4, "the command is 0, not PROXY"},
      Case{8, signature + "22 12 000c" + v4, "the command is 2, not PROXY"},
      Case{9, signature + "21 11 000c" + v4, "the family 0x11 is not UDP"},
      Case{10, signature + "21 21 0024" + v6, "the family 0x21 is not UDP"},
      Case{11, signature + "21 32 000c" + v4, "the family 0x32 is not UDP"},
      Case{12, signature + "21 00 0000", "the family 0x00 is not UDP"},
      Case{13, signature + "21 12 000b" + v4, "the length is 11"},
      Case{14, signature + "21 12 000d" + v4 + "00", "the length is 13"},  // a TLV would begin there
      Case{15, signature + "21 12 010c" + v4, "the length is 268"},
      Case{16, signature + "21 22 000c" + v4, "the length is 12"},
      Case{17, signature + "21 12 0024" + v6, "the length is 36"},
      Case{18, signature + "21 12 000c" + v4 + "00", "it has 29 bytes, not 28"},
      Case{19, signature + "21 12 000c" + v4.substr(0, v4.size() - 2), "it has 27 bytes, not 28"},
      Case{20, signature + "21 12 000c", "it has 16 bytes, not 28"},
      Case{21, signature + "21 22 0024" + v6 + "00", "it has 53 bytes, not 52"},
      Case{22, signature + "21 22 0024" + v4, "it has 28 bytes, not 52"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(c.number));
    const auto read = parse_proxy_v2_datagram(bytes_of(c.hex));
    if (read) {
      ADD_FAILURE() << "was accepted";
      continue;
    }
    EXPECT_THAT(read.error().what, HasSubstr(c.part));
  }
}

}  // namespace
}  // namespace penstock
