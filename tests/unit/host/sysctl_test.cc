#include "host/sysctl.h"

#include <gtest/gtest.h>

#include "unit/host/own_network.h"

namespace penstock {
namespace {

bool is_missing(const Error& error) {
  return error.code == boost::system::error_code{ENOENT, boost::system::system_category()};
}

TEST(Sysctl, ReadsTextAndNumbers) {
  EXPECT_EQ(*read_sysctl("kernel/ostype"), "Linux");
  EXPECT_GT(*read_sysctl_number("fs/file-max"), 0);
  EXPECT_EQ(read_sysctl_number("kernel/ostype").error().code, Errc::kInvalid);
}

TEST(Sysctl, ThatThisKernelHasNotIsToldApart) {
  EXPECT_TRUE(is_missing(read_sysctl("net/none").error()));
  EXPECT_TRUE(is_missing(write_sysctl("net/none", "1").error()));
}

TEST(Sysctl, KnowsTheRangeOfLocalPorts) {
  const auto range = local_port_range();
  ASSERT_TRUE(range) << range.error().what;
  EXPECT_GT(range->first, 0);
  EXPECT_LE(range->first, range->last);
}

class SysctlTest : public OwnNetworkTest {};

TEST_F(SysctlTest, WritesWhatIsThenRead) {
  ASSERT_TRUE(write_sysctl("net/ipv4/ip_local_port_range", "20000 30000"));
  EXPECT_EQ(*local_port_range(), (PortRange{20000, 30000}));
  EXPECT_FALSE(write_sysctl("net/ipv4/ip_local_port_range", "many"));
  EXPECT_EQ(*local_port_range(), (PortRange{20000, 30000}));
}

TEST_F(SysctlTest, TheStricterCheckOfSourcesHolds) {
  struct Case {
    std::string_view all, own;
    int holds;
  };
  for (const Case& c : {Case{"0", "0", 0}, Case{"1", "0", 1}, Case{"0", "2", 2}, Case{"2", "1", 2}}) {
    ASSERT_TRUE(write_sysctl("net/ipv4/conf/all/rp_filter", c.all));
    ASSERT_TRUE(write_sysctl("net/ipv4/conf/lo/rp_filter", c.own));
    EXPECT_EQ(*effective_rp_filter("lo"), c.holds) << c.all << " " << c.own;
  }
  EXPECT_FALSE(effective_rp_filter("none"));
}

}  // namespace
}  // namespace penstock
