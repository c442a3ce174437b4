#include "base/port_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>

namespace penstock {
namespace {

/// The same set, too simple to be wrong.
using Oracle = std::set<std::uint16_t>;

Oracle ports_of(const PortSet& ports) {
  Oracle out;
  for (const PortRange& range : ports.ranges()) {
    for (std::uint32_t port = range.first; port <= range.last; ++port)
      out.insert(static_cast<std::uint16_t>(port));
  }
  return out;
}

void expect_canonical(const PortSet& ports) {
  for (std::size_t i = 0; i < ports.ranges().size(); ++i) {
    ASSERT_LE(ports.ranges()[i].first, ports.ranges()[i].last);
    if (i > 0) {
      ASSERT_LT(std::uint32_t{ports.ranges()[i - 1].last} + 1, ports.ranges()[i].first);
    }
  }
}

/// Random ranges, crowded so that they touch, and at either end of the port numbers.
class Ranges {
 public:
  explicit Ranges(std::uint32_t seed) : random_{seed} {}

  PortRange next() {
    const auto first = static_cast<std::uint16_t>(base() + small_(random_));
    return {first, static_cast<std::uint16_t>(first + length_(random_))};
  }
  bool coin() { return small_(random_) % 2 == 0; }

 private:
  int base() { return small_(random_) % 2 == 0 ? 1 : 65535 - 72; }

  std::mt19937 random_;
  std::uniform_int_distribution<int> small_{0, 63};
  std::uniform_int_distribution<int> length_{0, 9};
};

TEST(PortSet, AddAndRemoveAgreeWithAPlainSet) {
  Ranges ranges{1};
  for (int round = 0; round < 300; ++round) {
    PortSet ports;
    Oracle oracle;
    for (int step = 0; step < 30; ++step) {
      const PortRange range = ranges.next();
      const bool adding = ranges.coin();
      adding ? ports.add(range) : ports.remove(range);
      for (std::uint32_t port = range.first; port <= range.last; ++port) {
        adding ? void(oracle.insert(static_cast<std::uint16_t>(port)))
               : void(oracle.erase(static_cast<std::uint16_t>(port)));
      }
      ASSERT_EQ(ports_of(ports), oracle);
      ASSERT_EQ(ports.size(), oracle.size());
      ASSERT_EQ(ports.empty(), oracle.empty());
      expect_canonical(ports);
    }
    for (std::uint32_t port = 0; port <= 65535; port = port == 100 ? 65400 : port + 1) {
      ASSERT_EQ(ports.contains(static_cast<std::uint16_t>(port)),
                oracle.contains(static_cast<std::uint16_t>(port)))
          << port;
    }
  }
}

PortSet random_set(Ranges& ranges) {
  PortSet ports;
  for (int i = 0; i < 12; ++i) ports.add(ranges.next());
  return ports;
}

TEST(PortSet, IntersectionAndDifferenceAgreeWithPlainSets) {
  Ranges ranges{2};
  for (int round = 0; round < 500; ++round) {
    const PortSet a = random_set(ranges);
    const PortSet b = random_set(ranges);
    const Oracle oracle_a = ports_of(a);
    const Oracle oracle_b = ports_of(b);
    Oracle both;
    std::set_intersection(oracle_a.begin(), oracle_a.end(), oracle_b.begin(), oracle_b.end(),
                          std::inserter(both, both.end()));
    Oracle only_a;
    std::set_difference(oracle_a.begin(), oracle_a.end(), oracle_b.begin(), oracle_b.end(),
                        std::inserter(only_a, only_a.end()));

    const PortSet intersection = a.intersection(b);
    const PortSet difference = a.difference(b);

    ASSERT_EQ(ports_of(intersection), both);
    ASSERT_EQ(ports_of(difference), only_a);
    expect_canonical(intersection);
    expect_canonical(difference);
  }
}

TEST(PortSet, HoldsAllPortsInOneRange) {
  PortSet ports;
  ports.add({1, 65535});

  EXPECT_EQ(ports.size(), 65535U);
  EXPECT_EQ(ports.to_string(), "1-65535");
  EXPECT_FALSE(ports.contains(0));
  EXPECT_TRUE(ports.contains(65535));

  ports.remove({65535, 65535});
  ports.remove({1, 1});
  EXPECT_EQ(ports.to_string(), "2-65534");
}

TEST(PortSet, WritesNumbersAndRanges) {
  PortSet ports;
  EXPECT_EQ(ports.to_string(), "none");

  ports.add({8000, 8100});
  ports.add({80, 80});
  ports.add({443, 443});
  EXPECT_EQ(ports.to_string(), "80,443,8000-8100");
}

TEST(PortRange, ReadsAndWrites) {
  EXPECT_EQ(*PortRange::parse("80"), (PortRange{80, 80}));
  EXPECT_EQ(*PortRange::parse("8000-8100"), (PortRange{8000, 8100}));
  EXPECT_EQ(*PortRange::parse("1-65535"), (PortRange{1, 65535}));
  EXPECT_EQ((PortRange{80, 80}).to_string(), "80");
  EXPECT_EQ((PortRange{1, 65535}).to_string(), "1-65535");
  EXPECT_EQ((PortRange{1, 65535}).size(), 65535U);
}

TEST(PortRange, RefusesEverythingElse) {
  for (const std::string_view text : {"", "0", "0-5", "65536", "1-65536", "9-8", "-", "-5", "5-", "1-2-3",
                                      " 80", "80 ", "80,81", "+80", "a"}) {
    EXPECT_FALSE(PortRange::parse(text)) << text;
  }
}

}  // namespace
}  // namespace penstock
