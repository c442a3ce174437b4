#include "base/address_prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using testing::HasSubstr;

struct Written {
  int number;
  std::string_view text;
  std::string_view shown;
  int bits;
  int mapped_bits;
};

constexpr Written kWritten[] = {
    {1, "192.0.2.0/24", "192.0.2.0/24", 24, 120},
    {2, "192.0.2.1", "192.0.2.1", 32, 128},
    {3, "192.0.2.1/32", "192.0.2.1", 32, 128},
    {4, "0.0.0.0/0", "0.0.0.0/0", 0, 96},
    {5, "128.0.0.0/1", "128.0.0.0/1", 1, 97},
    {6, "198.18.0.0/15", "198.18.0.0/15", 15, 111},
    {7, "2001:db8::/32", "2001:db8::/32", 32, 32},
    {8, "2001:DB8::1", "2001:db8::1", 128, 128},
    {9, "2000::/3", "2000::/3", 3, 3},
    {10, "::1/128", "::1", 128, 128},
    {11, "::/96", "::/96", 96, 96},  // beside the IPv4-mapped addresses
    {12, "2001:db8:0:8000::/49", "2001:db8:0:8000::/49", 49, 49},
};

TEST(AddressPrefix, ReadsAndShows) {
  for (const Written& one : kWritten) {
    const auto prefix = AddressPrefix::parse(one.text);
    ASSERT_TRUE(prefix) << one.number << ": " << prefix.error().what;
    EXPECT_EQ(prefix->to_string(), one.shown) << one.number;
    EXPECT_EQ(prefix->bits, one.bits) << one.number;
    EXPECT_EQ(prefix->mapped_bits(), one.mapped_bits) << one.number;
    EXPECT_EQ(*AddressPrefix::parse(one.shown), *prefix) << one.number;
  }
}

struct Refused {
  int number;
  std::string_view text;
  std::string_view told;
};

constexpr Refused kRefused[] = {
    {1, "", "\"\" is no prefix: write one such as 192.0.2.0/24"},
    {2, "/24", "is no prefix"},
    {3, "192.0.2/24", "is no prefix"},
    {4, "host.example", "is no prefix"},
    {5, "192.0.2.0/", "must have 0 to 32 bits behind the slash"},
    {6, "192.0.2.0/33", "must have 0 to 32 bits"},
    {7, "192.0.2.0/-1", "must have 0 to 32 bits"},
    {8, "192.0.2.0/+8", "must have 0 to 32 bits"},
    {9, "192.0.2.0/24/3", "must have 0 to 32 bits"},
    {10, "192.0.2.0/255.255.255.0", "must have 0 to 32 bits"},
    {11, "2001:db8::/129", "must have 0 to 128 bits"},
    {12, "::ffff:192.0.2.0/120", "must have 0 to 32 bits"},
    {13, "192.0.2.1/24", "has bits behind the prefix: write 192.0.2.0/24"},
    {14, "198.19.0.0/15", "write 198.18.0.0/15"},
    {15, "2001:db8::1/64", "write 2001:db8::/64"},
    {16, "::/0", "holds all IPv4 addresses too"},
    {17, "::/80", "holds all IPv4 addresses too"},
    {18, "::8000:0:0/81", "holds all IPv4 addresses too"},
    {19, "[2001:db8::]/32", "is no prefix"},
    {20, "fe80::1%eth0", "is no prefix"},
    {21, "192.0.2.0/99999999999999999999", "must have 0 to 32 bits"},
};

TEST(AddressPrefix, RefusesWhatIsNone) {
  for (const Refused& one : kRefused) {
    const auto prefix = AddressPrefix::parse(one.text);
    ASSERT_FALSE(prefix) << one.number;
    EXPECT_THAT(prefix.error().what, HasSubstr(one.told)) << one.number;
  }
}

struct Held {
  int number;
  std::string_view prefix;
  std::string_view address;
  bool held;
};

constexpr Held kHeld[] = {
    {1, "192.0.2.0/24", "192.0.2.255", true},
    {2, "192.0.2.0/24", "192.0.3.0", false},
    {3, "192.0.2.0/25", "192.0.2.127", true},
    {4, "192.0.2.0/25", "192.0.2.128", false},
    {5, "0.0.0.0/0", "255.255.255.255", true},
    {6, "0.0.0.0/0", "2001:db8::1", false},
    {7, "2001:db8::/32", "2001:db8:f::1", true},
    {8, "2001:db8::/32", "2001:db9::", false},
    {9, "::/96", "::1.2.3.4", true},
    {10, "::/96", "1.2.3.4", false},
    {11, "192.0.2.7", "192.0.2.7", true},
    {12, "192.0.2.7", "192.0.2.6", false},
};

TEST(AddressPrefix, HoldsAddresses) {
  for (const Held& one : kHeld)
    EXPECT_EQ(AddressPrefix::parse(one.prefix)->contains(*IpAddress::parse(one.address)), one.held)
        << one.number;
}

}  // namespace
}  // namespace penstock
