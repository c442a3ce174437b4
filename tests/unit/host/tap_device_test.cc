#include "host/tap_device.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "host/interface.h"
#include "unit/host/own_network.h"

namespace penstock {
namespace {

class TapDeviceTest : public OwnNetworkTest {};

TEST_F(TapDeviceTest, MakesADeviceThatIsUpAndKeepsQuiet) {
  const auto tap = make_tap_device("pst2");
  ASSERT_TRUE(tap) << tap.error().what;
  const auto found = interface_named("pst2");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->index, tap->index);
  EXPECT_TRUE(found->up && found->ethernet);
  EXPECT_EQ(found->mtu, 65521U);
  EXPECT_EQ(ip_json("address show dev pst2").at(0).at("addr_info").as_array().size(), 0U);
  ::usleep(50'000);  // what would speak by itself would have
  char frame[2048];
  EXPECT_EQ(::read(tap->file.get(), frame, sizeof frame), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(TapDeviceTest, EndsWithItsFile) {
  { EXPECT_TRUE(make_tap_device("pst2")); }
  EXPECT_FALSE(interface_named("pst2"));
  EXPECT_TRUE(make_tap_device("pst2"));
}

TEST_F(TapDeviceTest, RefusesNamesThatAreTakenOrTooLong) {
  const auto first = make_tap_device("pst2");
  ASSERT_TRUE(first);
  const auto second = make_tap_device("pst2");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kExists);
  const auto lengthy = make_tap_device("sixteen-letters-");
  ASSERT_FALSE(lengthy);
  EXPECT_EQ(lengthy.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace penstock
