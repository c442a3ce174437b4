// Sessions while one carrier gives way to another, or to none for some time.
#include <gmock/gmock.h>

#include "sim/session_world.h"

namespace penstock {
namespace {

using testing::SizeIs;

class DrainingHubTest : public SessionWorld, public testing::TestWithParam<World::Carrier> {
 protected:
  DrainingHubTest() : SessionWorld{GetParam()} {}
};

/// As its flows do: it takes nothing new, and no other takes its place yet.
TEST_P(DrainingHubTest, KeepsItsSessions) {
  start();
  backend.echo(true);
  SimDatagrams& known = client(1);
  known.send(public_end(), "before");
  ASSERT_TRUE(world.run_until([&] { return known.got().size() == 1; }, 1s));
  world.hub().hub().drain();
  world.run_for(3s);
  EXPECT_FALSE(world.edge().edge().connected());
  for (int i = 0; i < 10; ++i) {
    known.send(public_end(), "while it drains");
    world.run_for(100ms);
  }
  EXPECT_THAT(known.got(), SizeIs(11));
  SimDatagrams& late = client(2);
  late.send(public_end(), "a new one");
  world.run_for(1s);
  EXPECT_THAT(late.got(), SizeIs(0));
  EXPECT_THAT(at_hub(), SizeIs(1));
  EXPECT_EQ(books(world.edge().edge(), false).dropped[PST_R_TUNNEL_DOWN], 1U) << "the new one's";
  expect_balance();
}

INSTANTIATE_TEST_SUITE_P(Carriers, DrainingHubTest,
                         testing::Values(World::Carrier::kTls, World::Carrier::kQuic),
                         [](const auto& tested) { return name_of(tested.param); });

class ReturnToQuicTest : public SessionWorld, public testing::Test {
 protected:
  ReturnToQuicTest() : SessionWorld{World::Carrier::kQuicWithFallback} {}
  bool is_on_quic() {
    return world.edge().edge().connected() && world.edge().carriers().back().report.quic.has_value();
  }
};

/// Questions are on their way to the backend all the time, each of a client that asks once. What answers them
/// comes by the carrier that they left by: nobody has moved their sessions.
TEST_F(ReturnToQuicTest, LosesNoAnswer) {
  SimDatagramPath blocked;
  blocked.loss = 1;
  world.set_tunnel_path(SimPath{}, blocked);
  start();
  ASSERT_FALSE(is_on_quic());
  world.set_tunnel_path(world.edge().address(), {.delay = 10ms});
  std::vector<SimDatagrams*> asking;
  std::size_t answered = 0;
  const auto answer_all_but = [&](std::size_t last) {
    for (; answered + last < backend.got().size(); ++answered)
      backend.send(backend.got()[answered].from, "answer");
  };
  const auto ask = [&] {
    asking.push_back(&client(static_cast<unsigned>(asking.size())));
    asking.back()->send(public_end(), "question");
    world.run_for(100ms);
    answer_all_but(3);
  };
  for (int i = 0; i < 900 && !is_on_quic(); ++i) ask();
  ASSERT_TRUE(is_on_quic());
  for (int i = 0; i < 5; ++i) ask();
  answer_all_but(0);
  world.run_for(5s);
  for (SimDatagrams* const one : asking) EXPECT_THAT(one->got(), SizeIs(1));
  EXPECT_THAT(world.edge().carriers(), SizeIs(1)) << "the one of TLS has gone";
  EXPECT_EQ(books(world.hub().hub(), true).dropped[PST_R_TUNNEL_DOWN], 0U);
  expect_balance();
}

}  // namespace
}  // namespace penstock
