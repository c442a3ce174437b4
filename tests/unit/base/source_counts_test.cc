#include "base/source_counts.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

TEST(SourceCountsTest, CountsByPrefix) {
  SourceCounts counts{24, 64};
  counts.add(address("192.0.2.1"));
  counts.add(address("192.0.2.2"));
  counts.add(address("2001:db8:0:1::1"));
  counts.add(address("2001:db8:0:2::1"));
  EXPECT_EQ(counts.of(address("192.0.2.3")), 2U);
  EXPECT_EQ(counts.of(address("192.0.3.1")), 0U);
  EXPECT_EQ(counts.of(address("2001:db8:0:1::2")), 1U);
  EXPECT_EQ(counts.total(), 4U);
}

TEST(SourceCountsTest, ForgetsWhoHasNoneLeft) {
  SourceCounts counts{32, 64};
  counts.add(address("192.0.2.1"));
  counts.add(address("192.0.2.1"));
  counts.remove(address("192.0.2.1"));
  EXPECT_EQ(counts.of(address("192.0.2.1")), 1U);
  counts.remove(address("192.0.2.1"));
  counts.remove(address("192.0.2.1"));  // nobody is owed one
  EXPECT_EQ(counts.of(address("192.0.2.1")), 0U);
  EXPECT_EQ(counts.total(), 0U);
}

}  // namespace
}  // namespace penstock
