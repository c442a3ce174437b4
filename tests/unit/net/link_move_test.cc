// Links that leave one loop and join another, with what is under way.
#include <gtest/gtest.h>

#include "net/certificate.h"
#include "unit/net/loopback.h"

namespace penstock {
namespace {

class LinkMoveTest : public testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<Link> link(std::unique_ptr<Connection> connection, TlsContext& context) {
    if (!GetParam()) return pair_.network().attach(std::move(connection), {});
    return pair_.network().secure(std::move(connection), {}, context, "hub.test");
  }
  bool run_both_until(const std::function<bool()>& condition) {
    return run_until(loop_, [&] {
      settle(other_loop_);
      return condition();
    });
  }

  AsioLoop loop_;
  AsioLoop other_loop_;
  AsioNetwork other_network_{other_loop_};
  LinkPair pair_{loop_};
};

TEST_P(LinkMoveTest, LosesNothingAndTellsNobodyOfTheOldLoop) {
  const KeyAndCertificate key = make_certificate("hub.test").value();
  const auto server = TlsContext::server(key.certificate_pem, key.key_pem).value();
  const auto client = TlsContext::client_unverified().value();
  Talker stays{link(std::move(pair_.near), *client)};
  std::unique_ptr<Link> moved;
  {
    Talker leaves{link(std::move(pair_.far), *server)};
    stays.write("one");
    leaves.write("two");
    ASSERT_TRUE(run_until(loop_, [&] { return leaves.received == "one" && stays.received == "two"; }));
    leaves.link->leave();  // it waits to read, and must not be told any more
    stays.write("three");
    for (int i = 0; i < 20; ++i) settle(loop_);
    EXPECT_EQ(leaves.received, "one");
    moved = std::move(leaves.link);
  }
  moved->join(other_network_);
  Talker arrived{std::move(moved)};
  ASSERT_TRUE(run_both_until([&] { return arrived.received == "three"; }));
  const std::string bulk = numbered(3'000'000);
  arrived.write(bulk);
  stays.write(bulk);
  ASSERT_TRUE(run_both_until([&] {
    return stays.received.size() == bulk.size() + 3 && arrived.received.size() == bulk.size() + 5;
  }));
  EXPECT_EQ(stays.received, "two" + bulk);
  EXPECT_EQ(arrived.received, "three" + bulk);
  arrived.finish_behind();
  EXPECT_TRUE(run_both_until([&] { return stays.ended; }));
}

TEST_P(LinkMoveTest, ClosesWhatIsDestroyedBetweenTwoLoops) {
  const KeyAndCertificate key = make_certificate("hub.test").value();
  const auto server = TlsContext::server(key.certificate_pem, key.key_pem).value();
  const auto client = TlsContext::client_unverified().value();
  Talker stays{link(std::move(pair_.near), *client)};
  auto leaves = link(std::move(pair_.far), *server);
  settle(loop_);
  leaves->leave();
  leaves.reset();
  EXPECT_TRUE(run_until(loop_, [&] {
    stays.write("x");
    return stays.ended || stays.error;
  }));
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, LinkMoveTest, testing::Bool());

}  // namespace
}  // namespace penstock
