#include "node/user.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

namespace penstock {
namespace {

class DescriptorLimitTest : public testing::Test {
 protected:
  DescriptorLimitTest() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  ~DescriptorLimitTest() override { ::setrlimit(RLIMIT_NOFILE, &before_); }

  static rlimit now() {
    rlimit limit{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit;
  }

  rlimit before_{};
};

TEST_F(DescriptorLimitTest, IsRaisedAsFarAsTheSystemPermits) {
  rlimit low = before_;
  low.rlim_cur = std::min<rlim_t>(low.rlim_max - 1, 64);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);

  raise_descriptor_limit();

  EXPECT_EQ(now().rlim_cur, before_.rlim_max);
  EXPECT_EQ(now().rlim_max, before_.rlim_max);
}

}  // namespace
}  // namespace penstock
