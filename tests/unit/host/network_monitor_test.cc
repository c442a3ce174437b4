#include "host/network_monitor.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "unit/host/own_network.h"

namespace penstock {
namespace {

class NetworkMonitorTest : public OwnNetworkTest {
 protected:
  void SetUp() override {
    OwnNetworkTest::SetUp();
    if (IsSkipped()) return;
    make_wire();
    monitor_ = std::make_unique<NetworkMonitor>(*NetworkMonitor::open());
    read();
  }
  NetworkChanges read() {
    const auto changes = monitor_->read();
    EXPECT_TRUE(changes) << changes.error().what;
    return changes ? *changes : NetworkChanges{};
  }
  bool readable() const {
    pollfd wait{.fd = monitor_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&wait, 1, 0) == 1;
  }

  std::unique_ptr<NetworkMonitor> monitor_;
};

TEST_F(NetworkMonitorTest, IsQuietWhileNothingChanges) {
  EXPECT_FALSE(readable());
  EXPECT_FALSE(read().any());
}

TEST_F(NetworkMonitorTest, HearsOfNeighbours) {
  for (const std::string_view to : {"10.0.0.7", "2001:db8::7"}) {
    ip("neigh add " + std::string{to} + " lladdr 02:00:00:00:00:07 dev v0");
    EXPECT_TRUE(readable());
    EXPECT_TRUE(read().neighbours);
    EXPECT_FALSE(read().neighbours);
    ip("neigh del " + std::string{to} + " dev v0");
    EXPECT_TRUE(read().neighbours);
  }
}

TEST_F(NetworkMonitorTest, HearsOfRoutes) {
  for (const std::string_view route : {"192.0.2.0/24 via 10.0.0.254", "2001:db8:9::/48 via 2001:db8::fe"}) {
    ip("route add " + std::string{route});
    EXPECT_TRUE(readable());
    EXPECT_TRUE(read().routes);
    EXPECT_FALSE(read().routes);
    ip("route del " + std::string{route});
    EXPECT_TRUE(read().routes);
  }
}

TEST_F(NetworkMonitorTest, HearsOfAddresses) {
  for (const std::string_view one : {"192.0.2.1/24", "2001:db8:9::1/48"}) {
    ip("addr add " + std::string{one} + " dev v0");
    EXPECT_TRUE(read().addresses);
    EXPECT_FALSE(read().addresses);
    ip("addr del " + std::string{one} + " dev v0");
    EXPECT_TRUE(read().addresses);
  }
}

TEST_F(NetworkMonitorTest, HearsOfLinks) {
  ip("link add w0 type veth peer name w1");
  EXPECT_TRUE(read().links);
  ip("link set v0 mtu 1400");
  EXPECT_TRUE(read().links);
  ip("link del w0");
  EXPECT_TRUE(read().links);
}

TEST_F(NetworkMonitorTest, TakesEverythingAsChangedWhenItWasToldTooMuch) {
  const int little = 1;  // the kernel makes it the least it permits
  ASSERT_EQ(::setsockopt(monitor_->fd(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little), 0);
  for (int i = 0; i < 20; ++i)
    ip("neigh replace 10.0.0.7 lladdr 02:00:00:00:00:" + std::to_string(10 + i) + " dev v0");

  EXPECT_EQ(read(), (NetworkChanges{.links = true, .addresses = true, .routes = true, .neighbours = true}));
  EXPECT_FALSE(read().links);
}

}  // namespace
}  // namespace penstock
