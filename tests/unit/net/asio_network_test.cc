#include "net/asio_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "unit/net/loopback.h"

namespace penstock {
namespace {

using Dialled = Result<std::unique_ptr<Connection>>;
namespace errc = boost::system::errc;

class AsioNetworkTest : public testing::Test {
 protected:
  /// Listens on a port that is free.
  std::uint16_t listen(const IpAddress& on = IpAddress::v4(0x7f000001)) {
    for (std::uint16_t port = 21000;; ++port) {
      auto made = network.listen({on, port}, acceptor);
      if (!made) continue;
      listener = std::move(*made);
      return port;
    }
  }
  /// A port on which nobody listens.
  std::uint16_t closed_port() {
    const std::uint16_t port = listen();
    listener.reset();
    return port;
  }
  Dialled dial(const Endpoint& to) {
    std::optional<Dialled> answer;
    const auto pending = network.dial(to, [&](Dialled made) { answer.emplace(std::move(made)); });
    EXPECT_TRUE(run_until(loop, [&] { return answer.has_value(); }));
    return std::move(*answer);
  }

  AsioLoop loop;
  AsioNetwork network{loop};
  Acceptor acceptor;
  std::unique_ptr<Pending> listener;
};

TEST_F(AsioNetworkTest, TellsBothEndsWhoTheyAre) {
  const std::uint16_t port = listen();
  const Dialled near = dial(loopback(port));
  ASSERT_TRUE(near);
  ASSERT_TRUE(run_until(loop, [&] { return acceptor.connections.size() == 1; }));
  const Connection& far = *acceptor.connections.front();
  EXPECT_EQ((*near)->peer, loopback(port));
  EXPECT_EQ(far.local, loopback(port));
  EXPECT_EQ((*near)->local, far.peer);
  EXPECT_EQ(far.peer.address, loopback(0).address);
}

TEST_F(AsioNetworkTest, WorksOverIpv6WithoutTakingIpv4) {
  const IpAddress any6{};
  const std::uint16_t port = listen(any6);
  const Dialled six = dial({IpAddress::parse("::1").value(), port});
  ASSERT_TRUE(six) << six.error().what;
  EXPECT_EQ((*six)->peer.to_string(), "[::1]:" + std::to_string(port));
  const Dialled four = dial(loopback(port));
  ASSERT_FALSE(four);
  Acceptor other;
  EXPECT_TRUE(network.listen({IpAddress::v4(0), port}, other));  // both families, one port each
}

TEST_F(AsioNetworkTest, RefusesAnEndpointThatIsTaken) {
  const std::uint16_t port = listen();
  Acceptor other;
  const auto again = network.listen(loopback(port), other);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::address_in_use);
  EXPECT_EQ(again.error().what,
            "cannot listen on 127.0.0.1:" + std::to_string(port) + ": Address already in use");
  listener.reset();
  EXPECT_TRUE(network.listen(loopback(port), other));
}

TEST_F(AsioNetworkTest, RefusesAnAddressOfAnotherHost) {
  const auto made = network.listen({IpAddress::v4(0xc6336401), 80}, acceptor);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::address_not_available);
}

TEST_F(AsioNetworkTest, ListensAgainRightAfterConnectionsWereServed) {
  const std::uint16_t port = listen();
  {
    const Dialled near = dial(loopback(port));
    ASSERT_TRUE(run_until(loop, [&] { return acceptor.connections.size() == 1; }));
    acceptor.connections.clear();  // the server ends first: its end waits in TIME_WAIT
  }
  listener.reset();
  EXPECT_TRUE(network.listen(loopback(port), acceptor));
}

TEST_F(AsioNetworkTest, AcceptsMoreThanABatchAtOnce) {
  const std::uint16_t port = listen();
  std::vector<Dialled> near;
  std::vector<std::unique_ptr<Pending>> dials;
  for (int i = 0; i < 200; ++i) {
    dials.push_back(network.dial(loopback(port), [&](Dialled made) { near.push_back(std::move(made)); }));
  }
  ASSERT_TRUE(run_until(loop, [&] { return acceptor.connections.size() == 200 && near.size() == 200; }));
  for (const Dialled& each : near) EXPECT_TRUE(each);
}

TEST_F(AsioNetworkTest, AcceptsNothingMoreOnceItsListenerIsGone) {
  const std::uint16_t port = listen();
  acceptor.then = [&] { listener.reset(); };  // from within the callback, with others waiting behind
  std::vector<Dialled> near;
  std::vector<std::unique_ptr<Pending>> dials;
  for (int i = 0; i < 5; ++i) {
    dials.push_back(network.dial(loopback(port), [&](Dialled made) { near.push_back(std::move(made)); }));
  }
  ASSERT_TRUE(run_until(loop, [&] { return near.size() == 5; }));
  settle(loop);
  EXPECT_EQ(acceptor.connections.size(), 1U);
  EXPECT_FALSE(dial(loopback(port)));
}

TEST_F(AsioNetworkTest, GoesOnAcceptingAfterItRanOutOfDescriptors) {
  const std::uint16_t port = listen();
  const FileDescriptor client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage address{};
  const socklen_t length = loopback(port).to_sockaddr(address);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(client.get()), .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const bool told = run_until(loop, [&] { return !acceptor.failures.empty(); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(told);
  EXPECT_EQ(acceptor.failures.front(), errc::too_many_files_open);
  EXPECT_TRUE(run_until(loop, [&] { return acceptor.connections.size() == 1; }));
}

TEST_F(AsioNetworkTest, TellsThatADialWasRefused) {
  const Dialled answer = dial(loopback(closed_port()));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::connection_refused);
  EXPECT_EQ(answer.error().what, "cannot connect: Connection refused");
}

TEST_F(AsioNetworkTest, TellsWhatIsKnownAtOnceOnALaterTurnOfTheLoop) {
  bool told = false;
  // The kernel refuses this without sending anything.
  const auto pending = network.dial({IpAddress::v4(0xffffffff), 80}, [&](Dialled answer) {
    EXPECT_FALSE(answer);
    told = true;
  });
  EXPECT_FALSE(told);
  EXPECT_TRUE(run_until(loop, [&] { return told; }));
}

TEST_F(AsioNetworkTest, NeverCallsBackADialThatIsCancelled) {
  const std::uint16_t closed = closed_port();
  const std::uint16_t port = listen();
  int called = 0;
  for (const Endpoint& to : {loopback(port), loopback(closed), Endpoint{IpAddress::v4(0xffffffff), 80}}) {
    auto pending = network.dial(to, [&](const Dialled&) { ++called; });
    pending.reset();
  }
  EXPECT_TRUE(dial(loopback(port)));  // one that was dialled later has its answer
  EXPECT_EQ(called, 0);
}

TEST_F(AsioNetworkTest, LetsACallbackDestroyItsOwnDial) {
  const std::uint16_t port = listen();
  for (const Endpoint& to : {loopback(port), loopback(1), Endpoint{IpAddress::v4(0xffffffff), 80}}) {
    std::unique_ptr<Pending> pending;
    std::string seen;
    pending = network.dial(to, [&pending, &seen, text = std::string(100, 'x')](const Dialled&) {
      pending.reset();
      seen = text;
    });
    ASSERT_TRUE(run_until(loop, [&] { return !seen.empty(); }));
    EXPECT_EQ(seen, std::string(100, 'x'));
  }
}

TEST_F(AsioNetworkTest, ResetsAConnectionThatIsRefused) {
  const std::uint16_t port = listen();
  Dialled near = dial(loopback(port));
  ASSERT_TRUE(run_until(loop, [&] { return acceptor.connections.size() == 1; }));
  acceptor.connections.front()->refuse();
  acceptor.connections.clear();
  Talker client{network.attach(std::move(*near), {})};
  ASSERT_TRUE(run_until(loop, [&] { return client.ended || client.error; }));
  EXPECT_EQ(client.error, errc::connection_reset);
}

TEST_F(AsioNetworkTest, EndsAConnectionInOrderThatNobodyTook) {
  const std::uint16_t port = listen();
  Dialled near = dial(loopback(port));
  ASSERT_TRUE(run_until(loop, [&] { return acceptor.connections.size() == 1; }));
  acceptor.connections.clear();
  Talker client{network.attach(std::move(*near), {})};
  EXPECT_TRUE(run_until(loop, [&] { return client.ended; }));
}

TEST_F(AsioNetworkTest, ResolvesAddressesAndNames) {
  const auto resolve = [&](const std::string& host) {
    std::optional<Result<std::vector<IpAddress>>> answer;
    const auto pending = network.resolve(
        host, [&](Result<std::vector<IpAddress>> found) { answer.emplace(std::move(found)); });
    EXPECT_TRUE(run_until(loop, [&] { return answer.has_value(); }));
    return std::move(*answer);
  };
  EXPECT_THAT(resolve("192.0.2.7").value(), testing::ElementsAre(IpAddress::v4(0xc0000207)));
  EXPECT_THAT(resolve("2001:db8::7").value(), testing::ElementsAre(IpAddress::parse("2001:db8::7").value()));
  for (const IpAddress& address : resolve("localhost").value()) EXPECT_TRUE(address.is_loopback());
  EXPECT_FALSE(resolve("no name has spaces"));
}

TEST_F(AsioNetworkTest, NeverCallsBackALookupThatIsCancelled) {
  int called = 0;
  auto pending = network.resolve("localhost", [&](const Result<std::vector<IpAddress>>&) { ++called; });
  pending.reset();
  bool other = false;
  const auto second =
      network.resolve("localhost", [&](const Result<std::vector<IpAddress>>&) { other = true; });
  ASSERT_TRUE(run_until(loop, [&] { return other; }));  // lookups come in order
  EXPECT_EQ(called, 0);
}

TEST_F(AsioNetworkTest, HandsAConnectionToAnotherLoop) {
  const std::uint16_t port = listen();
  Dialled near = dial(loopback(port));
  ASSERT_TRUE(run_until(loop, [&] { return acceptor.connections.size() == 1; }));
  AsioLoop other;
  AsioNetwork elsewhere{other};
  std::thread worker{[&] { other.run(); }};
  std::unique_ptr<Talker> server;
  other.post([&, connection = std::move(acceptor.connections.front())]() mutable {
    server = std::make_unique<Talker>(elsewhere.attach(std::move(connection), {}));
    server->write("from another thread");
  });
  Talker client{network.attach(std::move(*near), {})};
  EXPECT_TRUE(run_until(loop, [&] { return client.received == "from another thread"; }));
  other.post([&] {
    server.reset();
    other.stop();
  });
  worker.join();
  EXPECT_TRUE(run_until(loop, [&] { return client.ended; }));
}

}  // namespace
}  // namespace penstock
