#include "net/socket_link.h"

#include <gtest/gtest.h>

#include "support/sim_random.h"
#include "unit/net/loopback.h"

namespace penstock {
namespace {

namespace errc = boost::system::errc;

class SocketLinkTest : public testing::Test {
 protected:
  void connect(const LinkOptions& options = {}) {
    LinkPair pair{loop};
    near.emplace(network.attach(std::move(pair.near), options));
    far.emplace(network.attach(std::move(pair.far), options));
  }

  AsioLoop loop;
  AsioNetwork network{loop};
  std::optional<Talker> near;
  std::optional<Talker> far;
};

TEST_F(SocketLinkTest, CarriesBytesBothWaysInAnyPieces) {
  connect({.keepalive = 60s, .keepalive_interval = 15s, .keepalive_probes = 4, .unsent_limit = 16384});
  SimRandom random{1};
  const std::string up = numbered(5'000'000);
  const std::string down = numbered(3'000'000);
  near->largest_read = 777;
  far->largest_write = 3001;
  near->write(up);
  far->write(down);
  near->finish_behind();
  far->finish_behind();
  ASSERT_TRUE(run_until(loop, [&] { return near->ended && far->ended; }));
  EXPECT_EQ(far->received, up);
  EXPECT_EQ(near->received, down);
  EXPECT_FALSE(near->error);
}

TEST_F(SocketLinkTest, EndsOneDirectionAndGoesOnWithTheOther) {
  connect();
  near->write("question");
  near->finish_behind();
  ASSERT_TRUE(run_until(loop, [&] { return far->ended; }));
  EXPECT_EQ(far->received, "question");
  far->write("answer");
  ASSERT_TRUE(run_until(loop, [&] { return near->received == "answer"; }));
  EXPECT_FALSE(near->ended);
  far.reset();
  EXPECT_TRUE(run_until(loop, [&] { return near->ended; }));
}

TEST_F(SocketLinkTest, BlocksWhenThePeerDoesNotReadAndGoesOnWhenItDoes) {
  LinkPair pair{loop};
  near.emplace(network.attach(std::move(pair.near), {}));
  auto unread = network.attach(std::move(pair.far), {});
  near->write(numbered(32'000'000));
  settle(loop);
  ASSERT_FALSE(near->waiting.empty());
  far.emplace(std::move(unread));
  ASSERT_TRUE(run_until(loop, [&] { return far->received.size() == 32'000'000; }));
  EXPECT_EQ(far->received, numbered(32'000'000));
}

TEST_F(SocketLinkTest, ResetsThePeerWhenAskedTo) {
  connect();
  near->write("lost or not");
  near->link->reset_on_close();
  near.reset();
  ASSERT_TRUE(run_until(loop, [&] { return far->ended || far->error; }));
  EXPECT_EQ(far->error, errc::connection_reset);
}

TEST_F(SocketLinkTest, TellsAWriterThatThePeerIsGone) {
  connect();
  far->link->reset_on_close();
  far.reset();
  ASSERT_TRUE(run_until(loop, [&] { return static_cast<bool>(near->error); }));
  near->error = {};
  near->write("x");
  EXPECT_EQ(near->error, errc::broken_pipe);  // and no SIGPIPE
}

/// Waits for a failure without ever reading.
class Waiter final : public LinkObserver {
 public:
  explicit Waiter(std::unique_ptr<Link> made) : link{std::move(made)} {
    link->observe(this);
    link->await_failure();
  }
  void on_readable() override { ++readable; }
  void on_writable() override { ++writable; }
  void on_broken(const boost::system::error_code& why) override { error = why; }
  std::unique_ptr<Link> link;
  int readable = 0;
  int writable = 0;
  boost::system::error_code error;
};

TEST_F(SocketLinkTest, TellsOneThatDoesNotReadOfAReset) {
  LinkPair pair{loop};
  far.emplace(network.attach(std::move(pair.far), {}));
  Waiter waiter{network.attach(std::move(pair.near), {})};
  far->write("bytes that nobody wants");
  waiter.link->await_readable();
  ASSERT_TRUE(run_until(loop, [&] { return waiter.readable == 1; }));
  EXPECT_FALSE(waiter.error);
  far->link->reset_on_close();
  far.reset();
  ASSERT_TRUE(run_until(loop, [&] { return static_cast<bool>(waiter.error); }));
  EXPECT_EQ(waiter.error, errc::connection_reset);
}

TEST_F(SocketLinkTest, CallsBackOnceForEachTimeItIsAsked) {
  LinkPair pair{loop};
  far.emplace(network.attach(std::move(pair.far), {}));
  Waiter waiter{network.attach(std::move(pair.near), {})};
  far->write("x");
  for (int round = 1; round <= 3; ++round) {
    for (int again = 0; again < 3; ++again) waiter.link->await_readable();
    ASSERT_TRUE(run_until(loop, [&] { return waiter.readable == round; }));
    settle(loop);
    EXPECT_EQ(waiter.readable, round);
  }
  waiter.link->await_writable();
  EXPECT_TRUE(run_until(loop, [&] { return waiter.writable == 1; }));
}

TEST_F(SocketLinkTest, CallsNobodyAfterItIsDestroyed) {
  LinkPair pair{loop};
  far.emplace(network.attach(std::move(pair.far), {}));
  auto waiter = std::make_unique<Waiter>(network.attach(std::move(pair.near), {}));
  waiter->link->await_readable();
  waiter->link->await_writable();
  far->write("x");
  waiter->link.reset();  // ready, and not told yet
  settle(loop);
  EXPECT_EQ(waiter->readable + waiter->writable, 0);
  EXPECT_FALSE(waiter->error);
}

TEST_F(SocketLinkTest, TellsANewObserverOfWhatTheOldOneWaitedFor) {
  LinkPair pair{loop};
  far.emplace(network.attach(std::move(pair.far), {}));
  Waiter first{network.attach(std::move(pair.near), {})};
  first.link->await_readable();
  Waiter second{std::move(first.link)};
  far->write("x");
  ASSERT_TRUE(run_until(loop, [&] { return second.readable == 1; }));
  EXPECT_EQ(first.readable, 0);
}

}  // namespace
}  // namespace penstock
