#include "net/udp_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "unit/net/datagrams.h"

namespace penstock {
namespace {

using testing::ElementsAre;
namespace errc = boost::system::errc;

const IpAddress kAnyV4 = IpAddress::v4(0);
const IpAddress kFirst = IpAddress::v4(0x7f000001);
const IpAddress kSecond = IpAddress::v4(0x7f000002);

class UdpSocketTest : public testing::Test {
 protected:
  AsioLoop loop;
  AsioNetwork network{loop};
};

class UdpSocketSizesTest : public testing::TestWithParam<const char*> {};

/// Every size that headers make, then some of all, then the largest.
std::vector<std::size_t> sizes() {
  std::vector<std::size_t> out;
  for (std::size_t size = 0; size < 1600; ++size) out.push_back(size);
  for (std::size_t size = 1600; size < 65490; size += 509) out.push_back(size);
  for (std::size_t size = 65490; size <= 65507; ++size) out.push_back(size);
  return out;
}

TEST_P(UdpSocketSizesTest, CarriesEverySizeThereAndBack) {
  AsioLoop loop;
  AsioNetwork network{loop};
  const Endpoint on{IpAddress::parse(GetParam()).value(), 0};
  Talking client{network, on};
  Talking server{network, on};
  const std::string content = numbered(65507);
  for (const std::size_t size : sizes()) {
    const Bytes whole = as_bytes(content).first(size);
    const OutgoingDatagram there{.peer = server.socket->local(),
                                 .local = {},
                                 .header = whole.first(size / 3),
                                 .payload = whole.subspan(size / 3)};
    ASSERT_EQ(client.socket->send({&there, 1}).sent, 1U) << size;
    ASSERT_TRUE(run_until(loop, [&] { return server.receiver.datagrams.size() == 1; })) << size;
    const Datagram got = std::move(server.receiver.datagrams.front());
    ASSERT_EQ(got.payload, as_text(whole)) << size;
    ASSERT_EQ(got.peer, client.socket->local());
    ASSERT_EQ(got.local, on.address);
    ASSERT_EQ(server.send(got.peer, got.payload, got.local).sent, 1U) << size;
    ASSERT_TRUE(run_until(loop, [&] { return client.receiver.datagrams.size() == 1; })) << size;
    ASSERT_EQ(client.receiver.datagrams.front().payload, as_text(whole)) << size;
    ASSERT_EQ(client.receiver.datagrams.front().peer, server.socket->local());
    server.receiver.datagrams.clear();
    client.receiver.datagrams.clear();
  }
}

INSTANTIATE_TEST_SUITE_P(Families, UdpSocketSizesTest, testing::Values("127.0.0.1", "::1"),
                         [](const auto& each) { return each.index == 0 ? "Ipv4" : "Ipv6"; });

TEST_F(UdpSocketTest, TellsTheAddressThatWasSentToAndAnswersFromIt) {
  Talking server{network, Endpoint{kAnyV4, 0}};
  Talking client{network, Endpoint{kFirst, 0}};
  const std::uint16_t port = server.socket->local().port;
  for (const IpAddress& address : {kFirst, kSecond}) {
    ASSERT_EQ(client.send({address, port}, "question").sent, 1U);
    ASSERT_TRUE(run_until(loop, [&] { return !server.receiver.datagrams.empty(); }));
    const Datagram question = server.receiver.datagrams.back();
    EXPECT_EQ(question.local, address);
    ASSERT_EQ(server.send(question.peer, "answer", question.local).sent, 1U);
    ASSERT_TRUE(run_until(loop, [&] { return !client.receiver.datagrams.empty(); }));
    EXPECT_EQ(client.receiver.datagrams.back().peer, (Endpoint{address, port}));
    server.receiver.datagrams.clear();
    client.receiver.datagrams.clear();
  }
}

TEST_F(UdpSocketTest, LeavesTheSourceToTheSystemWhenNoneIsGiven) {
  Talking server{network, Endpoint{kAnyV4, 0}};
  Talking client{network, Endpoint{kFirst, 0}};
  for (const IpAddress& none : {IpAddress{}, kAnyV4}) {
    ASSERT_EQ(server.send(client.socket->local(), "", none).sent, 1U);
  }
  ASSERT_TRUE(run_until(loop, [&] { return client.receiver.datagrams.size() == 2; }));
  for (const Datagram& each : client.receiver.datagrams) EXPECT_EQ(each.peer.address, kFirst);
}

TEST_F(UdpSocketTest, PadsWithZeros) {
  Talking client{network, Endpoint{kFirst, 0}};
  Talking server{network, Endpoint{kFirst, 0}};
  const std::string content = numbered(10);
  const OutgoingDatagram padded{.peer = server.socket->local(),
                                .local = {},
                                .header = as_bytes(content).first(4),
                                .payload = as_bytes(content).subspan(4),
                                .padding = 100};
  ASSERT_EQ(client.socket->send({&padded, 1}).sent, 1U);
  ASSERT_TRUE(run_until(loop, [&] { return server.receiver.datagrams.size() == 1; }));
  EXPECT_EQ(server.receiver.datagrams.front().payload, content + std::string(100, '\0'));
}

TEST_F(UdpSocketTest, TellsWhatWaitsWhenPolled) {
  Talking client{network, Endpoint{kFirst, 0}};
  Talking server{network, Endpoint{kFirst, 0}};
  ASSERT_EQ(client.send(server.socket->local(), "now").sent, 1U);
  server.socket->poll();
  ASSERT_EQ(server.receiver.datagrams.size(), 1U);
  EXPECT_EQ(server.receiver.datagrams.front().payload, "now");
  server.socket->poll();
  EXPECT_EQ(server.receiver.datagrams.size(), 1U);
}

TEST_F(UdpSocketTest, TellsWhatItCannotSend) {
  Talking four{network, loopback(0)};
  Talking six{network, Endpoint{IpAddress::parse("::1").value(), 0}};
  const Endpoint to4 = four.socket->local();
  const Endpoint to6 = six.socket->local();
  EXPECT_EQ(four.send(to4, std::string(65508, 'x')).error, errc::message_size);
  EXPECT_EQ(four.send(to6, "x").error, errc::address_family_not_supported);
  EXPECT_EQ(six.send(to4, "x").error, errc::network_unreachable);
  EXPECT_TRUE(
      four.send(to4, "x", IpAddress::v4(0xc6336401)).error);  // not ours; kernels say different things
  EXPECT_EQ(four.send(to4, "x", to6.address).error, errc::invalid_argument);
  EXPECT_EQ(six.send(to6, "x", to4.address).error, errc::invalid_argument);
  EXPECT_EQ(six.send(to6, "x", IpAddress::parse("fe80::1").value()).error, errc::invalid_argument);
  EXPECT_EQ(four.send(to4, "good").sent, 1U);
  ASSERT_TRUE(run_until(loop, [&] { return !four.receiver.datagrams.empty(); }));
  EXPECT_THAT(four.receiver.payloads(), ElementsAre("good"));
}

TEST_F(UdpSocketTest, SendsUpToTheDatagramThatFails) {
  Talking server{network, loopback(0)};
  Talking client{network, loopback(0)};
  const Endpoint to = server.socket->local();
  const std::vector<std::string> texts{"one", "two", "three", std::string(65508, 'x'), "five"};
  std::vector<OutgoingDatagram> batch;
  batch.reserve(texts.size());
  for (const std::string& text : texts)
    batch.push_back({.peer = to, .local = {}, .header = {}, .payload = as_bytes(text)});
  const UdpSent sent = client.socket->send(batch);
  EXPECT_EQ(sent.sent, 3U);
  EXPECT_EQ(sent.error, errc::message_size);
  EXPECT_EQ(client.send(to, "last").sent, 1U);
  ASSERT_TRUE(run_until(loop, [&] { return server.receiver.datagrams.size() == 4; }));
  EXPECT_THAT(server.receiver.payloads(), ElementsAre("one", "two", "three", "last"));
}

TEST_F(UdpSocketTest, SendsAnEmptyBatch) {
  Talking client{network, loopback(0)};
  const UdpSent sent = client.socket->send({});
  EXPECT_EQ(sent.sent, 0U);
  EXPECT_FALSE(sent.error);
}

TEST_F(UdpSocketTest, IsNotHarmedByAPeerThatIsGone) {
  Talking server{network, loopback(0)};
  const Endpoint gone = loopback(free_udp_port());
  const ForeignSocket good{loopback(0)};
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(server.send(gone, "anybody?").sent, 1U);  // answered by port unreachable
    ASSERT_TRUE(good.send(server.socket->local(), "hello"));
    ASSERT_EQ(server.send(good.local(), "hello").sent, 1U);
  }
  EXPECT_TRUE(run_until(loop, [&] { return server.receiver.datagrams.size() == 50; }));
  int answers = 0;
  while (good.receive()) ++answers;
  EXPECT_EQ(answers, 50);
}

TEST_F(UdpSocketTest, NeverCallsBackFromWithinACall) {
  auto bound = bind_one(network, loopback(0));
  const ForeignSocket client{loopback(0)};
  ASSERT_TRUE(client.send(bound->local, "early"));
  Talking server{network, std::move(bound)};
  server.send(server.socket->local(), "to itself");
  EXPECT_EQ(server.receiver.calls, 0);
  EXPECT_TRUE(run_until(loop, [&] { return server.receiver.datagrams.size() == 2; }));
}

TEST_F(UdpSocketTest, MayBeDestroyedWithinItsCallback) {
  const ForeignSocket client{loopback(0)};
  Talking server{network, loopback(0)};
  const Endpoint where = server.socket->local();
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(client.send(where, "x"));
  server.receiver.then = [&] { server.socket.reset(); };
  ASSERT_TRUE(run_until(loop, [&] { return server.receiver.calls > 0; }));
  settle(loop);
  EXPECT_EQ(server.receiver.calls, 1);
  EXPECT_TRUE(network.bind_udp(where, 1));
}

TEST_F(UdpSocketTest, IsSilentOnceDestroyed) {
  const ForeignSocket client{loopback(0)};
  Talking server{network, loopback(0)};
  ASSERT_TRUE(client.send(server.socket->local(), "x"));
  server.socket.reset();
  settle(loop);
  EXPECT_EQ(server.receiver.calls, 0);
}

TEST_F(UdpSocketTest, ReceivesOnAnotherThreadsLoopWhatWaitedBefore) {
  auto bound = bind_one(network, loopback(0));
  Talking client{network, loopback(0)};
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    expected.push_back(std::to_string(i));
    ASSERT_EQ(client.send(bound->local, expected.back()).sent, 1U);
  }
  AsioLoop other;
  AsioNetwork elsewhere{other};
  std::thread worker{[&] { other.run(); }};
  std::unique_ptr<Talking> server;
  other.post([&, socket = std::move(bound)]() mutable {
    server = std::make_unique<Talking>(elsewhere, std::move(socket));
    server->receiver.then = [&] {
      if (server->receiver.datagrams.size() == 100)
        server->send(server->receiver.datagrams.front().peer, "all there");
    };
  });
  EXPECT_TRUE(run_until(loop, [&] { return !client.receiver.datagrams.empty(); }));
  std::vector<std::string> received;
  other.post([&] {
    received = server->receiver.payloads();
    server.reset();
    other.stop();
  });
  worker.join();
  EXPECT_EQ(received, expected);
}

}  // namespace
}  // namespace penstock
