// Services that come, change, drain and go while their flows are under way; backends that do not answer;
// limits.
#include <gmock/gmock.h>

#include "sim/world.h"

namespace penstock {
namespace {

using testing::HasSubstr;

constexpr std::uint16_t kOtherPort = 8080;

class ServiceTest : public testing::TestWithParam<World::Carrier> {
 protected:
  ServiceTest() {
    world.start();
    world.add_service("other", kOtherPort);
    EXPECT_TRUE(world.run_until([&] { return world.state_of("edge-1", "other") == "listening"; }, 1s));
  }

  Service service(std::string_view name) const { return *world.hub().hub().services().find(name)->service; }
  void change(const Service& changed) { world.hub().hub().change_service(changed).value(); }
  SimFlow& open(std::uint16_t port, const FlowPlan& plan) { return world.open(world.edge(), port, plan); }
  bool run_until_moving(Duration limit) {
    return world.run_until(
        [&] {
          return std::all_of(world.flows().begin(), world.flows().end(), [](const auto& flow) {
            return flow->client() != nullptr && flow->client()->received() > 0;
          });
        },
        limit);
  }
  /// Opens a flow that must be refused, and tells the reason that the hub gave.
  std::string refusal(std::uint16_t port, Duration limit = 1s) {
    SimFlow& flow = open(port, kSmallPlan);
    EXPECT_TRUE(world.run_until([&] { return flow.over(); }, limit));
    EXPECT_TRUE(flow.was_reset());
    EXPECT_EQ(end_of(flow, world.hub().journal()), end_of(flow, world.edge().journal()));
    return end_of(flow, world.hub().journal());
  }
  /// The reason in the stream_closed event of a flow.
  static std::string end_of(const SimFlow& flow, const SimJournal& journal) {
    for (const auto& event : journal.events()) {
      if (event.name == "stream_closed" && event.text("client").starts_with(flow.from().to_string() + ":")) {
        return event.text("reason");
      }
    }
    return {};
  }

  mutable World world{31, GetParam()};
};

TEST_P(ServiceTest, ResetsTheFlowsOfARemovedServiceAndNoOther) {
  SimFlow& removed = open(kOtherPort, kOpenEndedPlan);
  SimFlow& kept = open(
      World::kPort, {.client = {.send = 300'000, .take = 1000, .pause = 10ms}, .backend = {.send = 300'000}});
  ASSERT_TRUE(run_until_moving(1s));
  world.hub().hub().remove_service("other").value();
  ASSERT_TRUE(world.run_until([&] { return removed.over(); }, 1s));
  EXPECT_TRUE(removed.was_reset());
  EXPECT_TRUE(removed.backend()->was_reset());
  EXPECT_EQ(world.hub().journal().last("stream_closed").text("reason"), "service_removed");
  EXPECT_EQ(world.edge().journal().last("stream_closed").text("reason"), "service_removed");
  EXPECT_FALSE(world.edge().edge().ports().open().contains(kOtherPort));
  SimFlow& late = open(kOtherPort, kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return late.over(); }, 1s));
  EXPECT_TRUE(late.refused());
  ASSERT_TRUE(world.run_until([&] { return kept.completed(); }, 10s)) << kept.mistake();
  world.expect_nothing_left();
}

TEST_P(ServiceTest, MovesAServiceToAnotherPort) {
  SimFlow& old = open(kOtherPort, kOpenEndedPlan);
  ASSERT_TRUE(run_until_moving(1s));
  Service moved = service("other");
  moved.ports = PortSet{};
  moved.ports.add({9090, 9091});
  change(moved);
  ASSERT_TRUE(world.run_until([&] { return old.over(); }, 1s));
  EXPECT_TRUE(old.was_reset());
  ASSERT_TRUE(
      world.run_until([&] { return world.edge().edge().ports().open().to_string() == "443,9090-9091"; }, 1s));
  SimFlow& fresh = open(9091, kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return fresh.completed(); }, 1s)) << fresh.mistake();
  world.expect_nothing_left();
}

TEST_P(ServiceTest, LeavesFlowsAloneWhenOnlyTheTargetChanges) {
  SimFlow& old = open(
      kOtherPort, {.client = {.send = 300'000, .take = 1000, .pause = 10ms}, .backend = {.send = 300'000}});
  ASSERT_TRUE(run_until_moving(1s));
  Service changed = service("other");
  changed.target.port = 1;  // where nobody listens
  change(changed);
  EXPECT_EQ(refusal(kOtherPort), "dial_failed");
  ASSERT_TRUE(world.run_until([&] { return old.completed(); }, 10s)) << old.mistake();
  world.expect_nothing_left();
}

TEST_P(ServiceTest, DrainsOneService) {
  SimFlow& old = open(
      kOtherPort, {.client = {.send = 300'000, .take = 1000, .pause = 10ms}, .backend = {.send = 300'000}});
  ASSERT_TRUE(run_until_moving(1s));
  world.hub().hub().drain_service("other", true).value();
  world.run_for(1ms);
  EXPECT_EQ(refusal(kOtherPort), "service_draining");
  ASSERT_TRUE(world.run_until([&] { return old.completed(); }, 10s)) << old.mistake();
  world.hub().hub().drain_service("other", false).value();
  SimFlow& fresh = open(kOtherPort, kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return fresh.completed(); }, 1s)) << fresh.mistake();
  world.expect_nothing_left();
}

TEST_P(ServiceTest, ReportsAPortThatAnotherProgramHoldsAndTakesItWhenItIsFree) {
  const Endpoint taken{world.edge().address(), 7777};
  world.internet.occupy(taken);
  world.add_service("late", 7777);
  ASSERT_TRUE(world.run_until([&] { return world.state_of("edge-1", "late") == "failed"; }, 1s));
  EXPECT_EQ(world.hub().journal().last("port_failed").text("reason"), "port_in_use");
  EXPECT_EQ(world.edge().journal().last("port_failed").text("reason"), "port_in_use");
  EXPECT_EQ(world.state_of("edge-1", "web"), "listening");
  world.internet.vacate(taken);
  ASSERT_TRUE(world.run_until([&] { return world.state_of("edge-1", "late") == "listening"; }, 11s));
  SimFlow& flow = open(7777, kSmallPlan);
  EXPECT_TRUE(world.run_until([&] { return flow.completed(); }, 1s));
}

TEST_P(ServiceTest, KeepsToTheEdgesOwnPolicy) {
  EdgeNode& strict = world.add_edge("edge-2", 2, [](Config& config) {
    config.edge->ports_deny.add({kOtherPort, kOtherPort});
  });
  ASSERT_TRUE(world.run_until([&] { return world.state_of("edge-2", "other") == "failed"; }, 1s));
  EXPECT_EQ(world.hub().journal().last("port_failed").text("reason"), "port_denied");
  EXPECT_EQ(strict.edge().ports().open().to_string(), "443");
}

TEST_P(ServiceTest, WaitsForTheNameOfATarget) {
  Service named = service("other");
  named.target.host = "backend.test";
  change(named);
  world.run_for(10ms);
  EXPECT_EQ(refusal(kOtherPort), "no_address");
  EXPECT_EQ(world.hub().journal().last("resolve_failed").text("host"), "backend.test");
  world.internet.set_name("backend.test", {World::backend_address()});
  world.run_for(31s);
  SimFlow& flow = open(kOtherPort, kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return flow.completed(); }, 1s)) << flow.mistake();
  world.internet.set_name("backend.test", {});  // the last good answer is kept
  world.run_for(31s);
  SimFlow& again = open(kOtherPort, kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return again.completed(); }, 1s)) << again.mistake();
}

TEST_P(ServiceTest, TellsWhyABackendWasNotReached) {
  world.backend.close();
  EXPECT_EQ(refusal(kOtherPort), "dial_failed");
  EXPECT_THAT(world.hub().journal().last("stream_closed").text("text"), HasSubstr("10.0.0.5:8443"));
  world.internet.set_silent(World::backend_address(), true);
  const Time asked = world.clock.now();
  EXPECT_EQ(refusal(kOtherPort, 6s), "dial_timeout");
  EXPECT_GE(world.clock.now() - asked, 5s);
  EXPECT_LT(world.clock.now() - asked, 5100ms);
  world.expect_nothing_left();
}

TEST_P(ServiceTest, TriesAllAddressesOfABackendWithinTheTimeForDialling) {
  const IpAddress silent = IpAddress::v4(0x0a000006);
  const IpAddress refusing = IpAddress::v4(0x0a000007);
  world.internet.set_silent(silent, true);
  world.internet.set_name("backend.test", {silent, refusing, World::backend_address()});
  Service named = service("other");
  named.target.host = "backend.test";
  change(named);
  world.run_for(10ms);
  SimFlow& flow = open(kOtherPort, kSmallPlan);
  ASSERT_TRUE(world.run_until([&] { return flow.completed(); }, 5s)) << flow.mistake();
  world.expect_nothing_left();
}

TEST_P(ServiceTest, LimitsTheFlowsOfAServiceAndOfASource) {
  Service limited = service("other");
  limited.max_flows = 3;
  change(limited);
  for (int i = 0; i < 3; ++i) open(kOtherPort, kOpenEndedPlan);
  ASSERT_TRUE(run_until_moving(1s));
  EXPECT_EQ(refusal(kOtherPort), "limit_service");
  EXPECT_EQ(world.hub().journal().last("limit_reached").text("service"), "other");
  EXPECT_EQ(world.hub().machine().admission.open(), 3U);
  world.flows()[1]->client()->reset();
  ASSERT_TRUE(world.run_until([&] { return world.flows()[1]->over(); }, 1s));
  EXPECT_EQ(world.hub().journal().last("stream_closed").text("reason"), "client_reset");
  SimFlow& next = open(kOtherPort, kOpenEndedPlan);
  ASSERT_TRUE(world.run_until([&] { return next.client() != nullptr && next.client()->received() > 0; }, 1s));
  EXPECT_EQ(world.hub().machine().admission.open(), 3U);
}

TEST_P(ServiceTest, EndsFlowsThatAreIdleOrHalfClosedTooLong) {
  Service idle = service("other");
  idle.idle = 90s;
  change(idle);
  world.run_for(1ms);
  SimFlow& silent = open(kOtherPort, kOpenEndedPlan);
  SimFlow& half = open(World::kPort, {.client = {.send = 1000}, .backend = {.send = 1000, .finish = false}});
  SimFlow& patient = open(World::kPort, kOpenEndedPlan);
  ASSERT_TRUE(run_until_moving(1s));
  world.run_for(89s);
  EXPECT_FALSE(silent.over());
  ASSERT_TRUE(world.run_until([&] { return silent.over(); }, 3s));
  EXPECT_EQ(world.hub().journal().last("stream_closed").text("reason"), "idle_timeout");
  world.run_for(57min);
  EXPECT_FALSE(half.over());
  ASSERT_TRUE(world.run_until([&] { return half.over(); }, 3min));
  EXPECT_TRUE(half.was_reset());
  EXPECT_EQ(world.edge().journal().last("stream_closed").text("reason"), "half_closed_timeout");
  EXPECT_FALSE(patient.over());  // it has no idle time
}

TEST_P(ServiceTest, CarriesAResetFromEitherEndToTheOther) {
  SimFlow& by_client = open(World::kPort, kOpenEndedPlan);
  SimFlow& by_backend = open(World::kPort, kOpenEndedPlan);
  ASSERT_TRUE(run_until_moving(1s));
  by_client.client()->reset();
  ASSERT_TRUE(world.run_until([&] { return by_client.backend()->gone(); }, 1s));
  EXPECT_TRUE(by_client.backend()->was_reset());
  EXPECT_EQ(world.hub().journal().last("stream_closed").text("reason"), "client_reset");
  by_backend.backend()->reset();
  ASSERT_TRUE(world.run_until([&] { return by_backend.client()->gone(); }, 1s));
  EXPECT_TRUE(by_backend.client()->was_reset());
  EXPECT_EQ(world.edge().journal().last("stream_closed").text("reason"), "backend_reset");
  world.expect_nothing_left();
}

TEST_P(ServiceTest, NoticesAClientThatLeavesWhileTheBackendDoesNotRead) {
  SimFlow& flow =
      open(World::kPort, {.client = {.send = 10'000'000}, .backend = {.send = 0, .reads = false}});
  world.run_for(5s);
  const std::uint64_t sent = flow.client()->sent();
  world.run_for(5s);
  ASSERT_EQ(flow.client()->sent(), sent);  // everything on the way is full
  flow.client()->reset();
  ASSERT_TRUE(world.run_until([&] { return flow.backend()->gone(); }, 1s));
  EXPECT_TRUE(flow.backend()->was_reset());
  world.expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Carriers, ServiceTest, testing::Values(World::Carrier::kTls, World::Carrier::kQuic),
                         [](const auto& param) { return name_of(param.param); });

}  // namespace
}  // namespace penstock
