// Many UDP sockets on one loop: each is heard, and each may go at any time.
#include <gtest/gtest.h>

#include <optional>

#include "unit/net/datagrams.h"

namespace penstock {
namespace {

class UdpReadinessTest : public testing::Test {
 protected:
  void open(std::size_t count) {
    while (sockets.size() < count) sockets.push_back(std::make_unique<Talking>(*network, loopback(0)));
  }
  std::size_t received() const {
    std::size_t sum = 0;
    for (const auto& each : sockets) {
      if (each) sum += each->receiver.datagrams.size();
    }
    return sum;
  }

  const ForeignSocket sender{loopback(0)};
  AsioLoop loop;
  std::optional<AsioNetwork> network{std::in_place, loop};
  std::vector<std::unique_ptr<Talking>> sockets;
};

TEST_F(UdpReadinessTest, HearsMoreSocketsThanOneTurnServes) {
  open(300);
  for (int round = 1; round <= 3; ++round) {
    for (const auto& each : sockets) ASSERT_TRUE(sender.send(each->socket->local(), "x"));
    ASSERT_TRUE(run_until(loop, [&] { return received() == 300U * static_cast<unsigned>(round); }));
  }
}

TEST_F(UdpReadinessTest, HearsAQuietSocketBesideFloodedOnes) {
  open(3);
  for (std::size_t i = 0; i < 2; ++i) {
    for (int n = 0; n < 2000; ++n) ASSERT_TRUE(sender.send(sockets[i]->socket->local(), "x"));
  }
  ASSERT_TRUE(sender.send(sockets[2]->socket->local(), "y"));
  std::size_t others = 0;
  sockets[2]->receiver.then = [&] { others = received() - 1; };
  ASSERT_TRUE(run_until(loop, [&] { return !sockets[2]->receiver.datagrams.empty(); }));
  EXPECT_LT(others, 2000U);  // not behind all of theirs
}

/// All of them are ready in the same turn; the first that is served takes the others away.
TEST_F(UdpReadinessTest, TellsNothingToSocketsThatWentInTheSameTurn) {
  open(20);
  int served = 0;
  for (auto& each : sockets) {
    each->receiver.then = [&] {
      ++served;
      for (auto& other : sockets) other->socket.reset();
    };
    ASSERT_TRUE(sender.send(each->socket->local(), "x"));
  }
  ASSERT_TRUE(run_until(loop, [&] { return served > 0; }));
  settle(loop);
  EXPECT_EQ(served, 1);
}

TEST_F(UdpReadinessTest, HearsASocketThatCameInATurn) {
  open(1);
  sockets[0]->receiver.then = [&] { open(2); };
  ASSERT_TRUE(sender.send(sockets[0]->socket->local(), "x"));
  ASSERT_TRUE(run_until(loop, [&] { return sockets.size() == 2; }));
  sockets[0]->receiver.then = nullptr;
  ASSERT_TRUE(sender.send(sockets[1]->socket->local(), "y"));
  ASSERT_TRUE(run_until(loop, [&] { return received() == 2; }));
}

TEST_F(UdpReadinessTest, SocketsMayOutliveTheirNetwork) {
  open(2);
  network.reset();
  for (const auto& each : sockets) ASSERT_TRUE(sender.send(each->socket->local(), "x"));
  ASSERT_TRUE(run_until(loop, [&] { return received() == 2; }));
  sockets.clear();
  settle(loop);
}

}  // namespace
}  // namespace penstock
