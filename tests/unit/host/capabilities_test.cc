#include "host/capabilities.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

#include <thread>

#include "unit/host/lowered_capabilities.h"

namespace penstock {
namespace {

std::uint64_t effective() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  EXPECT_EQ(::syscall(SYS_capget, &header, data.data()), 0);
  return std::uint64_t{data[1].effective} << 32 | data[0].effective;
}
constexpr std::uint64_t bit(int capability) {
  return std::uint64_t{1} << capability;
}

class CapabilitiesTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const int needed : {CAP_NET_ADMIN, CAP_BPF, CAP_CHOWN}) {
      if (!has_capability(needed)) GTEST_SKIP() << "needs root, whose capabilities it raises";
    }
  }
};

TEST_F(CapabilitiesTest, AreRaisedForTheirTimeAlone) {
  const LoweredCapabilities lowered;
  ASSERT_EQ(effective(), 0U);
  {
    const RaisedCapabilities raised{CAP_NET_ADMIN, CAP_BPF};  // one of each half
    EXPECT_EQ(effective(), bit(CAP_NET_ADMIN) | bit(CAP_BPF));
    {
      const RaisedCapabilities more{CAP_NET_ADMIN, CAP_CHOWN};
      EXPECT_EQ(effective(), bit(CAP_NET_ADMIN) | bit(CAP_BPF) | bit(CAP_CHOWN));
    }
    EXPECT_EQ(effective(), bit(CAP_NET_ADMIN) | bit(CAP_BPF));  // the inner one lowers only what it raised
  }
  EXPECT_EQ(effective(), 0U);
  EXPECT_TRUE(has_capability(CAP_NET_ADMIN));
}

TEST_F(CapabilitiesTest, ThatWereEffectiveStaySo) {
  const std::uint64_t before = effective();
  { const RaisedCapabilities raised{CAP_NET_ADMIN}; }
  EXPECT_EQ(effective(), before);
}

TEST_F(CapabilitiesTest, AreRaisedInOneThread) {
  const LoweredCapabilities lowered;
  const RaisedCapabilities raised{CAP_NET_ADMIN};
  std::uint64_t elsewhere = 1;

  std::thread{[&] {
    { const RaisedCapabilities another{CAP_BPF}; }
    const RaisedCapabilities another{CAP_CHOWN};
    elsewhere = effective();
  }}.join();

  EXPECT_EQ(elsewhere, bit(CAP_NET_ADMIN) | bit(CAP_CHOWN));  // a thread begins with its maker's
  EXPECT_EQ(effective(), bit(CAP_NET_ADMIN));
}

TEST(Capabilities, ThatAreNotPermittedStayOff) {
  std::thread{[] {
    LoweredCapabilities::forget();
    EXPECT_FALSE(has_capability(CAP_NET_ADMIN));
    const RaisedCapabilities raised{CAP_NET_ADMIN, CAP_BPF};
    EXPECT_EQ(effective(), 0U);
  }}.join();
}

}  // namespace
}  // namespace penstock
