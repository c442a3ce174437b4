// Many datagrams at once: runs that the system joins and cuts, fair turns, overruns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/udp_outbox.h"
#include "support/sim_random.h"
#include "unit/net/datagrams.h"

namespace penstock {
namespace {

class UdpBatchTest : public testing::Test {
 protected:
  /// Datagrams of these sizes to one peer, each with another content.
  std::vector<OutgoingDatagram> datagrams(const Endpoint& to, const std::vector<std::size_t>& sizes) {
    std::vector<OutgoingDatagram> out;
    for (const std::size_t size : sizes) {
      const Bytes whole = as_bytes(content).subspan(out.size() % 1000, size);
      out.push_back(
          {.peer = to, .local = {}, .header = whole.first(size / 4), .payload = whole.subspan(size / 4)});
    }
    return out;
  }
  static std::string text(const OutgoingDatagram& datagram) {
    return std::string{as_text(datagram.header)}.append(as_text(datagram.payload));
  }
  static std::vector<std::pair<std::size_t, int>> messages(const ForeignSocket& socket) {
    std::vector<std::pair<std::size_t, int>> out;
    while (const auto message = socket.receive()) out.emplace_back(message->bytes, message->segment);
    return out;
  }

  const std::string content = numbered(70000);
  AsioLoop loop;
  AsioNetwork network{loop};
};

TEST_F(UdpBatchTest, SendsRunsAsSingleMessages) {
  struct Case {
    std::vector<std::size_t> sizes;
    std::vector<std::pair<std::size_t, int>> messages;  // bytes, and of each datagram in it
  };
  const std::vector<Case> cases{
      {{100}, {{100, 0}}},
      {{100, 100, 100}, {{300, 100}}},
      {{100, 100, 40}, {{240, 100}}},
      {{100, 40, 40}, {{140, 100}, {40, 0}}},
      {{40, 100}, {{40, 0}, {100, 0}}},
      {{100, 0, 100}, {{100, 0}, {0, 0}, {100, 0}}},
      {{100, 100, 0}, {{200, 100}, {0, 0}}},
      {{0, 0}, {{0, 0}, {0, 0}}},
      {{1, 1}, {{2, 1}}},
      {std::vector<std::size_t>(65, 10), {{640, 10}, {10, 0}}},
      {std::vector<std::size_t>(10, 10000), {{60000, 10000}, {40000, 10000}}},
      {{32499, 32499, 2}, {{65000, 32499}}},
      {{32499, 32499, 3}, {{64998, 32499}, {3, 0}}},
      {{32501, 32499}, {{32501, 0}, {32499, 0}}},
  };
  ForeignSocket receiver{loopback(0)};
  receiver.set(IPPROTO_UDP, UDP_GRO, 1);
  Talking sender{network, loopback(0)};
  for (const Case& each : cases) {
    const auto batch = datagrams(receiver.local(), each.sizes);
    EXPECT_EQ(sender.socket->send(batch).sent, batch.size());
    EXPECT_EQ(messages(receiver), each.messages) << testing::PrintToString(each.sizes);
  }
}

TEST_F(UdpBatchTest, StartsAnotherRunForAnotherPeerOrSource) {
  const IpAddress second = IpAddress::v4(0x7f000002);
  ForeignSocket one{loopback(0)};
  ForeignSocket other{loopback(0)};
  for (ForeignSocket* each : {&one, &other}) each->set(IPPROTO_UDP, UDP_GRO, 1);
  Talking sender{network, Endpoint{IpAddress::v4(0), 0}};
  auto batch = datagrams(one.local(), {10, 10, 10, 10, 10, 10});
  batch[2].peer = batch[3].peer = other.local();
  batch[5].local = second;
  EXPECT_EQ(sender.socket->send(batch).sent, 6U);
  EXPECT_EQ(messages(one), (std::vector<std::pair<std::size_t, int>>{{20, 10}, {10, 0}, {10, 0}}));
  EXPECT_EQ(messages(other), (std::vector<std::pair<std::size_t, int>>{{20, 10}}));
}

TEST_F(UdpBatchTest, StartsAnotherRunForOtherBitsOfEcn) {
  ForeignSocket receiver{loopback(0)};
  receiver.set(IPPROTO_UDP, UDP_GRO, 1);
  Talking sender{network, loopback(0)};
  auto batch = datagrams(receiver.local(), {10, 10, 10, 10, 10});
  batch[2].ecn = batch[3].ecn = 2;
  EXPECT_EQ(sender.socket->send(batch).sent, 5U);
  EXPECT_EQ(messages(receiver), (std::vector<std::pair<std::size_t, int>>{{20, 10}, {20, 10}, {10, 0}}));
}

TEST_F(UdpBatchTest, ReachesAPeerThatKnowsNoRunsDatagramByDatagram) {
  const ForeignSocket receiver{loopback(0)};
  Talking sender{network, loopback(0)};
  const auto batch = datagrams(receiver.local(), {500, 500, 500, 20});
  EXPECT_EQ(sender.socket->send(batch).sent, 4U);
  EXPECT_EQ(messages(receiver),
            (std::vector<std::pair<std::size_t, int>>{{500, 0}, {500, 0}, {500, 0}, {20, 0}}));
}

/// Whatever is joined and cut on the way: each receiver gets exactly its datagrams, in order.
TEST_F(UdpBatchTest, KeepsEveryDatagramApartAndInOrder) {
  SimRandom random{20240611};
  Talking sender{network, loopback(0)};
  std::vector<std::unique_ptr<Talking>> receivers(2);
  for (auto& each : receivers) each = std::make_unique<Talking>(network, loopback(0));
  for (int round = 0; round < 300; ++round) {
    std::vector<std::size_t> sizes;
    const std::size_t most = random.chance(0.1) ? 9000 : 300;
    while (sizes.size() < random.between(1, 300)) {
      const std::size_t size = random.size(most);
      sizes.insert(sizes.end(), random.between(1, 20), size);
    }
    auto batch = datagrams({}, sizes);
    std::vector<std::vector<std::string>> expected(2);
    std::size_t bytes = 0;
    std::size_t count = 0;
    std::size_t to = 0;
    for (OutgoingDatagram& each : batch) {
      if (random.chance(0.05)) to = 1 - to;
      each.peer = receivers[to]->socket->local();
      if (bytes += 800 + each.payload.size(); bytes > 150'000) break;  // what a buffer surely holds
      expected[to].push_back(text(each));
      ++count;
    }
    ASSERT_EQ(sender.socket->send(std::span{batch}.first(count)).sent, count);
    for (std::size_t i = 0; i < 2; ++i) {
      Receiver& receiver = receivers[i]->receiver;
      ASSERT_TRUE(run_until(loop, [&] { return receiver.datagrams.size() >= expected[i].size(); }));
      ASSERT_EQ(receiver.payloads(), expected[i]) << "round " << round;
      receiver.datagrams.clear();
    }
  }
}

/// The system refuses runs of a socket that sends no checksums.
TEST_F(UdpBatchTest, SendsOneByOneWhereRunsAreRefusedAndTriesThemAgainLater) {
  ForeignSocket receiver{loopback(0)};
  receiver.set(IPPROTO_UDP, UDP_GRO, 1);
  ForeignSocket sender{loopback(0)};
  sender.set(SOL_SOCKET, SO_NO_CHECK, 1);
  UdpOutbox outbox{sender.fd()};
  const auto batch = datagrams(receiver.local(), {10, 10, 10});
  const auto received = [&] {
    EXPECT_EQ(outbox.send(batch).sent, 3U);
    return messages(receiver);
  };
  const std::vector<std::pair<std::size_t, int>> apart{{10, 0}, {10, 0}, {10, 0}};
  const std::vector<std::pair<std::size_t, int>> joined{{30, 10}};
  EXPECT_EQ(received(), apart);
  sender.set(SOL_SOCKET, SO_NO_CHECK, 0);
  int calls = 0;
  while (received() == apart && calls < 10000) ++calls;
  EXPECT_EQ(calls, 1023);
  EXPECT_EQ(received(), joined);
}

TEST_F(UdpBatchTest, DoesNotBlameTheRunForWhatFailsForEachDatagram) {
  const IpAddress local = IpAddress::parse("::1").value();
  ForeignSocket receiver{{local, 0}};
  receiver.set(IPPROTO_UDP, UDP_GRO, 1);
  Talking sender{network, Endpoint{local, 0}};
  auto batch = datagrams(receiver.local(), {10, 10, 10});
  for (OutgoingDatagram& each : batch) each.local = IpAddress::parse("fe80::1").value();  // and no zone
  const UdpSent failed = sender.socket->send(batch);
  EXPECT_EQ(failed.sent, 0U);
  EXPECT_EQ(failed.error, boost::system::errc::invalid_argument);
  EXPECT_EQ(sender.socket->send(datagrams(receiver.local(), {10, 10, 10})).sent, 3U);
  EXPECT_EQ(messages(receiver), (std::vector<std::pair<std::size_t, int>>{{30, 10}}));
}

TEST_F(UdpBatchTest, LetsOtherWorkOfTheLoopHaveItsTurn) {
  Talking receiver{network, loopback(0)};
  Talking sender{network, loopback(0)};
  std::size_t seen = 0;
  receiver.receiver.then = [&] {
    if (receiver.receiver.calls == 1) loop.post([&] { seen = receiver.receiver.datagrams.size(); });
  };
  constexpr std::size_t kCount = 64 * 40;
  const auto batch = datagrams(receiver.socket->local(), std::vector<std::size_t>(kCount, 10));
  ASSERT_EQ(sender.socket->send(batch).sent, kCount);
  ASSERT_TRUE(run_until(loop, [&] { return receiver.receiver.datagrams.size() == kCount; }));
  EXPECT_GE(seen, 256U);
  EXPECT_LE(seen, 64U * 16);  // the batch that reached the turn's end
  EXPECT_EQ(receiver.receiver.overrun, 0U);
}

TEST_F(UdpBatchTest, TellsHowManyDatagramsWereThrownAway) {
  const ForeignSocket sender{loopback(0)};
  auto bound = bind_one(network, loopback(0));
  const Endpoint to = bound->local;
  const auto flood = [&] {
    for (int i = 0; i < 5000; ++i) ASSERT_TRUE(sender.send(to, "x"));
  };
  flood();
  Talking talking{network, std::move(bound)};
  const Receiver& receiver = talking.receiver;
  ASSERT_TRUE(run_until(loop, [&] { return receiver.datagrams.size() + receiver.overrun == 5000; }));
  const std::uint64_t first = receiver.overrun;
  EXPECT_GT(first, 0U);
  flood();
  ASSERT_TRUE(run_until(loop, [&] { return receiver.datagrams.size() + receiver.overrun == 10000; }));
  EXPECT_GT(receiver.overrun, first);
}

TEST_F(UdpBatchTest, MayBeDestroyedWhenToldOfAnOverrun) {
  const ForeignSocket sender{loopback(0)};
  Talking talking{network, loopback(0)};
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(sender.send(talking.socket->local(), "x"));
  talking.receiver.then_after_overrun = [&] { talking.socket.reset(); };
  ASSERT_TRUE(run_until(loop, [&] { return talking.receiver.overrun > 0; }));
  const int calls = talking.receiver.calls;
  settle(loop);
  EXPECT_EQ(talking.receiver.calls, calls);
}

}  // namespace
}  // namespace penstock
