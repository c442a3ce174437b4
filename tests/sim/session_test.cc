// UDP sessions through two whole nodes: how they open, live through outages, and end.
#include "proto/proxy_header.h"
#include "sim/session_world.h"

namespace penstock {
namespace {

class SessionTest : public SessionWorld, public testing::TestWithParam<World::Carrier> {
 protected:
  SessionTest() : SessionWorld{GetParam()} {}
};

/// Of what happens to connections of TCP.
class WireSessionTest : public SessionTest {};

TEST_P(SessionTest, CarriesDatagramsBothWaysAndAccountsForEach) {
  start();
  backend.echo(true);
  SimDatagrams& someone = client(1);
  for (int i = 0; i < 5; ++i) {
    someone.send(public_end(), "to and fro " + std::to_string(i));
    world.run_for(20ms);
  }
  ASSERT_EQ(someone.got().size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(someone.got()[i].payload, "to and fro " + std::to_string(i));
    EXPECT_EQ(someone.got()[i].from, public_end());
  }
  ASSERT_EQ(at_hub().size(), 1U);
  EXPECT_EQ(at_hub().front().client, someone.local());
  EXPECT_EQ(at_hub().front().local, public_end());
  EXPECT_EQ(at_hub().front().state, "assured");
  EXPECT_EQ(at_edge().front().state, "assured");
  EXPECT_EQ(books(world.edge().edge(), false).sent, 5U);
  EXPECT_EQ(books(world.hub().hub(), false).sent, 5U);
  EXPECT_EQ(books(world.hub().hub(), true).sent, 5U);
  EXPECT_EQ(books(world.edge().edge(), true).sent, 5U);
  expect_balance();
}

TEST_P(SessionTest, GivesEveryClientASourceOfItsOwnAndItsOwnAnswers) {
  start();
  backend.echo(true);
  std::vector<SimDatagrams*> all;
  for (unsigned i = 1; i <= 200; ++i) all.push_back(&client(i % 200 + 1000 * i));
  for (SimDatagrams* const one : all) one->send(public_end(), one->local().to_string());
  world.run_for(200ms);
  std::set<Endpoint> sources;
  for (const auto& got : backend.got()) sources.insert(got.from);
  EXPECT_EQ(sources.size(), 200U);
  for (SimDatagrams* const one : all) {
    ASSERT_EQ(one->got().size(), 1U);
    EXPECT_EQ(one->got().front().payload, one->local().to_string());
  }
  expect_balance();
}

TEST_P(SessionTest, EndsAnUnansweredSessionSoonAndAnAssuredOneByItsIdleTime) {
  start();
  SimDatagrams& silent = client(1);
  silent.send(public_end(), "hello?");
  world.run_for(9s);
  EXPECT_EQ(at_edge().size(), 1U);
  EXPECT_EQ(at_edge().front().state, "unreplied");
  world.run_for(3s);
  EXPECT_EQ(at_edge().size(), 0U);
  EXPECT_EQ(at_hub().size(), 0U);
  EXPECT_GE(world.edge().machine().count(PST_R_UNREPLIED), 1U);

  backend.echo(true);
  SimDatagrams& talker = client(2);
  for (int i = 0; i < 3; ++i) {
    talker.send(public_end(), "hello");
    world.run_for(50ms);
  }
  world.run_for(55s);
  EXPECT_EQ(at_edge().size(), 1U);
  EXPECT_EQ(at_hub().size(), 1U);
  world.run_for(8s);
  EXPECT_EQ(at_edge().size(), 0U);
  EXPECT_EQ(at_hub().size(), 0U);
  EXPECT_EQ(world.edge().machine().sessions_admission.open(), 0U);
  EXPECT_EQ(world.hub().machine().sessions_admission.open(), 0U);
  expect_balance();
}

TEST_P(WireSessionTest, KeepsIdAndSourceThroughAnOutage) {
  start([](Config& config) { config.node.workers = 4; }, [](Config& config) { config.edge->carriers = 4; });
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().carriers_up() == 4; }, 10s));
  world.run_for(100ms);
  backend.echo(true);
  std::vector<SimDatagrams*> all;
  for (unsigned i = 1; i <= 20; ++i) all.push_back(&client(i));
  for (int round = 0; round < 3; ++round) {
    for (SimDatagrams* const one : all) one->send(public_end(), "before");
    world.run_for(50ms);
  }
  const auto before = at_hub();
  ASSERT_EQ(before.size(), 20U);
  const auto ids_before = at_edge();
  ASSERT_NO_FATAL_FAILURE(lose_carriers());
  all.front()->send(public_end(), "lost");
  world.run_for(10ms);
  EXPECT_EQ(world.edge().machine().count(PST_R_TUNNEL_DOWN), 1U);
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().carriers_up() == 4; }, 10s));
  world.run_for(100ms);
  for (SimDatagrams* const one : all) one->send(public_end(), "after");
  world.run_for(100ms);
  for (SimDatagrams* const one : all) {
    ASSERT_EQ(one->got().size(), 4U);
    EXPECT_EQ(one->got().back().payload, "after");
  }
  const auto same = [](const std::vector<SessionReport>& a, const std::vector<SessionReport>& b) {
    std::set<std::tuple<std::uint32_t, Endpoint, Endpoint>> left, right;
    for (const auto& one : a) left.insert({one.id.value(), one.client, one.source});
    for (const auto& one : b) right.insert({one.id.value(), one.client, one.source});
    return left == right;
  };
  EXPECT_TRUE(same(before, at_hub()));
  EXPECT_TRUE(same(ids_before, at_edge()));
  expect_balance();
}

TEST_P(SessionTest, LetsABackendSpeakFirstAfterAnOutage) {
  const auto watchful = [](Config& config) {
    config.tunnel.ping = 1s;
    config.tunnel.timeout = 3s;
  };
  start(watchful, watchful);
  backend.echo(true);
  std::vector<SimDatagrams*> all;
  for (unsigned i = 1; i <= 20; ++i) all.push_back(&client(i));
  for (SimDatagrams* const one : all) one->send(public_end(), one->local().to_string());
  world.run_for(50ms);
  backend.echo(false);
  SimDatagrams& unheard = client(99);  // nobody answered it: it waits for its client
  unheard.send(public_end(), "hello?");
  world.run_for(10ms);
  const auto asked = backend.got();
  ASSERT_EQ(asked.size(), 21U);
  ASSERT_NO_FATAL_FAILURE(lose_carriers());
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().carriers_up() == 1; }, 30s));
  world.run_for(1100ms);

  for (const auto& one : asked) backend.send(one.from, "news for " + one.payload);
  world.run_for(50ms);

  for (SimDatagrams* const one : all) {
    ASSERT_EQ(one->got().size(), 2U) << one->local().to_string();
    EXPECT_EQ(one->got().back().payload, "news for " + one->local().to_string());
    EXPECT_EQ(one->got().back().from, public_end());
  }
  EXPECT_TRUE(unheard.got().empty());
  EXPECT_EQ(at_hub().size(), 21U) << "none of them is another one";
  expect_balance();
}

TEST_P(SessionTest, OpensAgainAtAHubThatWasRestarted) {
  start();
  backend.echo(true);
  SimDatagrams& someone = client(1);
  someone.send(public_end(), "one");
  world.run_for(50ms);
  const SessionId id = at_edge().front().id;
  world.crash_hub();
  world.run_for(100ms);
  world.start_hub();
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().carriers_up() == 1; }, 10s));
  world.run_for(2s);
  EXPECT_TRUE(at_hub().empty()) << "what it does not know does not move to it";
  someone.send(public_end(), "two");
  world.run_for(50ms);
  ASSERT_EQ(someone.got().size(), 2U);
  EXPECT_EQ(at_edge().front().id, id);
  EXPECT_EQ(at_hub().size(), 1U);
  expect_balance();
}

TEST_P(SessionTest, NeverGivesALateAnswerToAnotherClient) {
  start([](Config& config) { config.limits.backend_sockets = 2; }, {});
  SimDatagrams& first = client(1);
  first.send(public_end(), "question");
  world.run_for(50ms);
  const Endpoint old_source = backend.got().front().from;
  world.run_for(12s);  // the session is over, its source rests
  SimDatagrams& second = client(2);
  second.send(public_end(), "other question");
  world.run_for(50ms);
  backend.send(old_source, "late answer");
  world.run_for(50ms);
  EXPECT_TRUE(second.got().empty());
  EXPECT_TRUE(first.got().empty());
  EXPECT_EQ(world.hub().machine().count(PST_R_STRAY), 1U);
  expect_balance();
}

TEST_P(SessionTest, RefusesWhenAllSourcesAreInUseOrResting) {
  start([](Config& config) {
    config.node.workers = 1;
    config.limits.backend_sockets = 2;
  });
  for (unsigned i = 1; i <= 3; ++i) client(i).send(public_end(), "x");
  world.run_for(50ms);
  EXPECT_EQ(backend.got().size(), 2U);
  EXPECT_EQ(world.hub().machine().count(PST_R_NO_BACKEND_PORT), 1U);
  EXPECT_EQ(at_edge().size(), 2U);
  world.run_for(90s);  // both ended long ago, and have rested
  client(4).send(public_end(), "y");
  world.run_for(50ms);
  EXPECT_EQ(backend.got().size(), 3U);
  expect_balance();
}

TEST_P(SessionTest, MakesRoomOfTheOldestUnansweredAndNeverOfAnAssuredOne) {
  start({}, [](Config& config) {
    config.node.workers = 1;
    config.limits.sessions = 4;
  });
  backend.echo(true);
  SimDatagrams& assured = client(1);
  for (int i = 0; i < 2; ++i) {
    assured.send(public_end(), "legitimate");
    world.run_for(50ms);
  }
  backend.echo(false);
  for (unsigned i = 2; i <= 50; ++i) client(i).send(public_end(), "flood");
  world.run_for(50ms);
  EXPECT_EQ(at_edge().size(), 4U);
  EXPECT_EQ(world.edge().machine().count(PST_R_EVICTED), 46U);
  backend.echo(true);
  assured.send(public_end(), "still here");
  world.run_for(50ms);
  EXPECT_EQ(assured.got().back().payload, "still here");
  expect_balance();
}

TEST_P(SessionTest, EndsTheSessionsOfARemovedServiceAtBothEnds) {
  start();
  SimDatagrams& someone = client(1);
  someone.send(public_end(), "x");
  world.run_for(50ms);
  ASSERT_EQ(at_hub().size(), 1U);
  world.hub().hub().remove_service("game").value();
  world.run_for(200ms);
  EXPECT_EQ(at_hub().size(), 0U);
  EXPECT_EQ(at_edge().size(), 0U);
  someone.send(public_end(), "nobody hears");
  world.run_for(50ms);
  EXPECT_EQ(backend.got().size(), 1U);
  expect_balance();
}

TEST_P(SessionTest, EndsTheSessionsOfAnEdgeThatCameBackAsAnother) {
  start();
  client(1).send(public_end(), "x");
  world.run_for(50ms);
  ASSERT_EQ(at_hub().size(), 1U);
  world.crash_edge(0);
  world.run_for(100ms);
  EXPECT_EQ(at_hub().size(), 1U);  // it might come back
  world.add_edge_with(world.token("edge-1"), 1);
  ASSERT_TRUE(world.run_until([&] { return world.state_of("edge-1", "game") == "listening"; }, 5s));
  EXPECT_EQ(at_hub().size(), 0U);
  EXPECT_EQ(world.hub().machine().count(PST_R_REPLACED), 1U);
}

TEST_P(SessionTest, TellsTheHubWhatTheTunnelLost) {
  start();
  backend.echo(true);
  SimDatagrams& someone = client(1);
  someone.send(public_end(), "one");
  world.run_for(6s);  // reports come every 5 s
  const auto book = [&](bool to_client) {
    for (const TunnelBook& one : world.hub().hub().books().list()) {
      if (!one.streams && one.to_client == to_client) return one;
    }
    return TunnelBook{};
  };
  EXPECT_EQ(book(false).sent, 1U);
  EXPECT_EQ(book(false).missing(), 0U);
  EXPECT_EQ(book(true).received, 1U);
  EXPECT_EQ(book(true).missing(), 0U);
  const auto wires = world.internet.wires_to(World::hub_endpoint());
  for (const auto& wire : wires) wire->stall(10s);
  world.set_tunnel_path(world.edge().address(), {.loss = 1});
  someone.send(public_end(), "lost");
  world.run_for(100ms);
  for (const auto& wire : wires) wire->cut();
  world.set_tunnel_path(world.edge().address(), {});
  ASSERT_TRUE(world.run_until([&] { return world.edge().edge().carriers_up() == 1; }, 10s));
  world.run_for(6s);
  EXPECT_EQ(book(false).sent, 2U);
  EXPECT_EQ(book(false).missing(), 1U);
  EXPECT_EQ(book(false).missing_bytes(), 4U);
  expect_balance();
}

TEST_P(SessionTest, RefusesToBeTransparentBySockets) {
  world.start();
  add_service([](Service& service) { service.client = ClientHeader::kTransparent; });
  client(1).send(public_end(), "whom would the backend see?");
  world.run_for(200ms);
  EXPECT_TRUE(backend.got().empty());
  EXPECT_EQ(world.hub().machine().count(PST_R_NOT_TRANSPARENT), 1U);
  EXPECT_TRUE(at_hub().empty());
  EXPECT_TRUE(at_edge().empty());
  expect_balance();
}

INSTANTIATE_TEST_SUITE_P(Carriers, SessionTest, testing::Values(World::Carrier::kTls, World::Carrier::kQuic),
                         [](const auto& param) { return name_of(param.param); });
INSTANTIATE_TEST_SUITE_P(Carriers, WireSessionTest, testing::Values(World::Carrier::kTls),
                         [](const auto& param) { return name_of(param.param); });

class HeaderTest : public SessionWorld,
                   public testing::TestWithParam<std::tuple<ProxyV2Mode, World::Carrier>> {
 protected:
  HeaderTest() : SessionWorld{std::get<1>(GetParam())} {}
  static ProxyV2Mode mode() { return std::get<0>(GetParam()); }
};

TEST_P(HeaderTest, PutsTheHeaderWhereTheServiceWantsIt) {
  world.start();
  add_service([](Service& service) {
    service.client = ClientHeader::kProxyV2;
    service.proxy_v2 = mode();
  });
  SimDatagrams& someone = client(1);
  someone.send(public_end(), "one");
  someone.send(public_end(), "two");
  world.run_for(50ms);
  const std::string header{
      as_text(proxy_v2_datagram({.client = someone.local(), .local = public_end()}).view())};
  std::vector<std::string> wanted;
  if (mode() == ProxyV2Mode::kEvery) wanted = {header + "one", header + "two"};
  if (mode() == ProxyV2Mode::kFirst) wanted = {header + "one", "two"};
  if (mode() == ProxyV2Mode::kSeparate) wanted = {header, "one", "two"};
  std::vector<std::string> got;
  for (const auto& datagram : backend.got()) got.push_back(datagram.payload);
  EXPECT_EQ(got, wanted);
  EXPECT_EQ(books(world.hub().hub(), false).sent, 2U);
  expect_balance();
}

TEST_P(HeaderTest, DropsWhatIsTooLargeWithItsHeader) {
  world.start();
  add_service([](Service& service) {
    service.client = ClientHeader::kProxyV2;
    service.proxy_v2 = mode();
  });
  SimDatagrams& someone = client(1);
  someone.send(public_end(), std::string(65507 - 28, 'x'));
  someone.send(public_end(), std::string(65507 - 27, 'y'));
  world.run_for(200ms);
  const bool fits = mode() != ProxyV2Mode::kEvery;
  EXPECT_EQ(world.hub().machine().count(PST_R_TOO_LARGE), fits ? 0U : 1U);
  expect_balance();
}

INSTANTIATE_TEST_SUITE_P(Modes, HeaderTest,
                         testing::Combine(testing::Values(ProxyV2Mode::kEvery, ProxyV2Mode::kFirst,
                                                          ProxyV2Mode::kSeparate),
                                          testing::Values(World::Carrier::kTls, World::Carrier::kQuic)));

}  // namespace
}  // namespace penstock
