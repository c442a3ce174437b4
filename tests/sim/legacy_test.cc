// Either node against a peer of the published protocol, played by hand.
#include <gmock/gmock.h>

#include "sim/scripted_peer.h"
#include "sim/world.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr std::uint64_t kLegacyWindow = 1'000'000;  // the smallest that a legacy peer may have

std::string pattern(std::uint64_t seed, std::size_t size) {
  std::string out(size, '\0');
  Pattern{seed}.fill(0, {reinterpret_cast<std::byte*>(out.data()), size});
  return out;
}

// ---------------------------------------------------------------------------------------------- a legacy
// edge

/// A hub of ours, and a backend that the test plays: it keeps what it gets, behind the PROXY line.
class LegacyEdgeTest : public testing::Test {
 protected:
  LegacyEdgeTest() {
    backend_host.listen({IpAddress::v4(0x0a000009), 9000});
    world.start_hub();
    Service service = *world.hub().hub().services().find("web")->service;
    service.target = {.host = "10.0.0.9", .port = 9000};
    world.hub().hub().change_service(service).value();
    const Token token = decode_token(world.hub().hub().add_edge("old", {}, {}).value()).value();
    edge_host.dial(World::hub_endpoint());
    EXPECT_TRUE(world.run_until([&] { return !edge_host.peers().empty(); }, 1s));
    edge().send("EDGE old " + token.secret + "\n");
    EXPECT_TRUE(world.run_until([&] { return !edge().line().empty(); }, 1s));
  }
  ScriptedPeer& edge() { return edge_host.peer(); }
  ScriptedPeer& backend() { return backend_host.peer(); }
  void open(std::uint32_t id) {
    const std::size_t before = backend_host.peers().size();
    edge().send(id, FrameType::kOpen, kOpen);
    EXPECT_TRUE(world.run_until([&] { return backend_host.peers().size() > before; }, 1s));
    EXPECT_TRUE(world.run_until([&] { return !backend().line().empty(); }, 1s));
  }

  World world{61};
  ScriptedHost edge_host{world.internet, IpAddress::v4(0xc6336409), true};
  ScriptedHost backend_host{world.internet, IpAddress::v4(0x0a000009), false};
};

TEST_F(LegacyEdgeTest, IsToldItsPortsAndServedWithoutAFrameThatItDoesNotKnow) {
  EXPECT_EQ(parse_assignment(edge().line()).value().listen_ports, std::vector<std::uint16_t>{World::kPort});
  open(1);
  EXPECT_EQ(world.hub().journal().last("edge_connected").fields.at("legacy"), true);
  EXPECT_EQ(backend().line() + "\n", kOpen);
  edge().send(1, FrameType::kData, "question");
  ASSERT_TRUE(world.run_until([&] { return backend().text() == "question"; }, 1s));
  backend().send("answer");
  ASSERT_TRUE(world.run_until([&] { return edge().data(1) == "answer"; }, 1s));
  edge().send(1, FrameType::kClose, "");
  ASSERT_TRUE(world.run_until([&] { return backend().ended(); }, 1s));
  backend().finish();
  ASSERT_TRUE(world.run_until([&] { return edge().frames(FrameType::kCloseBack, 1).size() == 1; }, 1s));
  world.run_for(1s);
  for (const ScriptedFrame& frame : edge().frames())
    EXPECT_LE(frame.header.type, FrameType::kWindowUpdateBack);
  world.expect_nothing_left();
}

TEST_F(LegacyEdgeTest, IsAskedEveryFifteenSecondsAndGivenUpAfterFortyFive) {
  edge().send(0, FrameType::kPong, "");  // its first frame, and its last
  const Time begin = world.clock.now();
  ASSERT_TRUE(world.run_until([&] { return edge().gone(); }, 2min));
  EXPECT_GE(world.clock.now() - begin, 44s);
  EXPECT_LE(world.clock.now() - begin, 48s);
  EXPECT_THAT(edge().frames(FrameType::kPing), SizeIs(testing::AllOf(testing::Ge(3U), testing::Le(4U))));
  for (const ScriptedFrame& ping : edge().frames(FrameType::kPing)) EXPECT_EQ(ping.payload, "");
  EXPECT_EQ(world.hub().journal().last("carrier_down").text("reason"), "peer_silent");
}

TEST_F(LegacyEdgeTest, SendsNoMoreThanTheSmallestWindowAndMoreWhenItIsConsumed) {
  open(1);
  const std::string answer = pattern(1, 3'000'000);
  backend().send(answer);
  world.run_for(5s);
  EXPECT_EQ(edge().data(1), answer.substr(0, kLegacyWindow));
  edge().send(1, FrameType::kWindowUpdate, u32(400'000));
  world.run_for(5s);
  EXPECT_EQ(edge().data(1), answer.substr(0, kLegacyWindow + 400'000));
  edge().send(1, FrameType::kWindowUpdate,
              u32(4U << 20));  // more than it consumed: what is above the window is ignored
  world.run_for(5s);
  EXPECT_EQ(edge().data(1), answer.substr(0, 2 * kLegacyWindow + 400'000));
}

TEST_F(LegacyEdgeTest, MaySendFourMebibytesAheadAndGetsBackWhatWasConsumed) {
  open(1);
  const std::string request = pattern(2, 10'000'000);
  std::size_t sent = 0;
  while (sent < request.size()) {
    const std::uint64_t credit = (4U << 20) + edge().granted(FrameType::kWindowUpdateBack, 1) - sent;
    const std::size_t piece =
        std::min({request.size() - sent, static_cast<std::size_t>(credit), std::size_t{700'000}});
    if (piece > 0) edge().send(1, FrameType::kData, std::string_view{request}.substr(sent, piece));
    sent += piece;
    world.run_for(1ms);
  }
  edge().send(1, FrameType::kClose, "");
  ASSERT_TRUE(world.run_until([&] { return backend().ended(); }, 5s));
  EXPECT_EQ(backend().text(), request);
  backend().finish();
  world.run_for(1s);
  world.expect_nothing_left();
}

TEST_F(LegacyEdgeTest, HoldsWhatABackendDoesNotReadWithinTheBudget) {
  open(1);
  backend().stop_reading();
  edge().send(1, FrameType::kData, pattern(3, 4U << 20));
  world.run_for(5s);
  EXPECT_GT(world.hub().machine().budget.granted(), 3U << 20);
  EXPECT_LT(edge().granted(FrameType::kWindowUpdateBack, 1), 1U << 20);
  edge().finish();
  world.run_for(1s);
  world.expect_nothing_left();
}

TEST_F(LegacyEdgeTest, ClosesAStreamThatItMustAbortAndCreditsWhatStillArrives) {
  open(1);
  edge().send(1, FrameType::kData, "a");
  backend().reset();
  ASSERT_TRUE(world.run_until([&] { return edge().frames(FrameType::kCloseBack, 1).size() == 1; }, 1s));
  const std::uint64_t before = edge().granted(FrameType::kWindowUpdateBack, 1);
  edge().send(1, FrameType::kData, pattern(4, 2'000'000));
  world.run_for(1s);
  EXPECT_EQ(edge().granted(FrameType::kWindowUpdateBack, 1) - before, 2'000'000U);
  edge().send(1, FrameType::kClose, "");
  world.run_for(1s);
  EXPECT_FALSE(edge().gone());
  world.expect_nothing_left();
}

TEST_F(LegacyEdgeTest, RefusesAPortThatIsNotAssignedByClosingTheStream) {
  edge().send(1, FrameType::kOpen, "PROXY TCP4 203.0.113.9 198.51.100.9 40000 444\r\n");
  ASSERT_TRUE(world.run_until([&] { return edge().frames(FrameType::kCloseBack, 1).size() == 1; }, 1s));
  EXPECT_EQ(world.hub().journal().last("stream_closed").text("reason"), "not_assigned");
  world.expect_nothing_left();
}

TEST_F(LegacyEdgeTest, MustNotUseFramesThatNeedAHello) {
  edge().send(0, FrameType::kPong, "");
  edge().send(1, FrameType::kReset, u32(0));
  ASSERT_TRUE(world.run_until([&] { return world.hub().journal().count("carrier_down") == 1; }, 2s));
  EXPECT_TRUE(edge().gone());
  EXPECT_EQ(world.hub().journal().last("carrier_down").text("reason"), "protocol_error");
  EXPECT_THAT(world.hub().journal().last("carrier_down").text("error"),
              HasSubstr("RESET frame #2 at offset 9"));
}

TEST_F(LegacyEdgeTest, GetsTheNewPortsByConfig) {
  edge().send(0, FrameType::kPong, "");
  world.run_for(10ms);
  world.add_service("other", 8080);
  ASSERT_TRUE(world.run_until([&] { return edge().frames(FrameType::kConfig).size() == 1; }, 1s));
  const auto assigned = parse_assignment(edge().frames(FrameType::kConfig).front().payload).value();
  EXPECT_EQ(assigned.listen_ports, (std::vector<std::uint16_t>{443, 8080}));
}

// ---------------------------------------------------------------------------------------------- a legacy hub

/// An edge of ours, and a hub that knows nothing of Penstock.
class LegacyHubTest : public testing::Test {
 protected:
  LegacyHubTest() {
    hub_host.listen(World::hub_endpoint());
    edge = &world.add_edge_with(
        encode_token({.hub = {"192.0.2.1", 8443}, .edge_id = "e1", .secret = "s3cret", .pins = {{}}}), 1,
        [](Config& config) { config.edge->carriers = 3; });
    EXPECT_TRUE(world.run_until([&] { return !hub_host.peers().empty() && !hub().line().empty(); }, 1s));
    EXPECT_EQ(hub().line(), "EDGE e1 s3cret");
    for (const auto& peer : hub_host.peers())
      peer->send("{\"listenPorts\":[443,444],\"stunIntervalSecs\":300}\n");
    EXPECT_TRUE(world.run_until([&] { return edge->edge().ports().open().contains(443); }, 1s));
    world.run_for(2s);
  }
  /// The only one that has not ended.
  ScriptedPeer& hub() {
    for (const auto& peer : hub_host.peers()) {
      if (!peer->gone()) return *peer;
    }
    return hub_host.peer();
  }
  std::size_t carriers() const {
    return static_cast<std::size_t>(std::count_if(hub_host.peers().begin(), hub_host.peers().end(),
                                                  [](const auto& peer) { return !peer->gone(); }));
  }
  SimFlow& open(const FlowPlan& plan) { return world.open(*edge, World::kPort, plan); }

  World world{62};
  ScriptedHost hub_host{world.internet, World::hub_address(), true};
  EdgeNode* edge = nullptr;
};

TEST_F(LegacyHubTest, GetsOneCarrierAndOnlyFramesThatItKnows) {
  EXPECT_EQ(carriers(), 1U);
  EXPECT_EQ(edge->edge().carriers_up(), 1U);
  SimFlow& flow = open({.client = {.send = 100}, .backend = {.send = 200'000}});
  ASSERT_TRUE(world.run_until([&] { return hub().frames(FrameType::kClose, 1).size() == 1; }, 1s));
  EXPECT_EQ(hub().frames(FrameType::kOpen).front().payload,
            "PROXY TCP4 10.64.0.1 198.51.100.1 32768 443\r\n");
  EXPECT_EQ(hub().data(1), pattern(2, 100));
  hub().send(1, FrameType::kDataBack, pattern(3, 200'000));
  hub().send(1, FrameType::kCloseBack, "");
  ASSERT_TRUE(world.run_until([&] { return flow.client()->gone(); }, 1s));
  EXPECT_EQ(flow.mistake(), "");
  EXPECT_EQ(flow.client()->received(), 200'000U);
  for (const ScriptedFrame& frame : hub().frames())
    EXPECT_LE(frame.header.type, FrameType::kWindowUpdateBack);
  EXPECT_EQ(edge->machine().admission.open(), 0U);
  EXPECT_EQ(edge->machine().budget.granted(), 0U);
}

TEST_F(LegacyHubTest, IsAnsweredButNeverAskedAndGivenUpAfterFortyFiveSilentSeconds) {
  for (int i = 0; i < 8; ++i) {
    hub().send(0, FrameType::kPing, "");
    world.run_for(15s);
  }
  EXPECT_EQ(hub().frames(FrameType::kPong).size(), 8U);
  EXPECT_EQ(hub().frames(FrameType::kPing).size(), 0U);
  EXPECT_TRUE(edge->edge().connected());
  world.run_for(32s);
  EXPECT_FALSE(edge->edge().connected());
  EXPECT_EQ(edge->journal().last("tunnel_down").text("reason"), "peer_silent");
}

TEST_F(LegacyHubTest, IsSentNoMoreThanTheSmallestWindow) {
  open({.client = {.send = 3'000'000}, .backend = {}});
  world.run_for(2s);
  EXPECT_EQ(hub().data(1), pattern(2, kLegacyWindow));
  hub().send(1, FrameType::kWindowUpdateBack, u32(500'000));
  world.run_for(2s);
  EXPECT_EQ(hub().data(1), pattern(2, kLegacyWindow + 500'000));
}

TEST_F(LegacyHubTest, ChangesThePortsByConfig) {
  hub().send(0, FrameType::kConfig, "{\"listenPorts\":[444,445]}");
  world.run_for(10ms);
  EXPECT_EQ(edge->edge().ports().open().to_string(), "444-445");
}

TEST_F(LegacyHubTest, LearnsOfAClientsResetByClose) {
  SimFlow& flow = open({.client = {.send = 100, .finish = false}, .backend = {}});
  ASSERT_TRUE(world.run_until([&] { return hub().data(1).size() == 100; }, 1s));
  flow.client()->reset();
  ASSERT_TRUE(world.run_until([&] { return hub().frames(FrameType::kClose, 1).size() == 1; }, 1s));
  hub().send(1, FrameType::kDataBack, pattern(3, 50'000));
  world.run_for(10ms);
  EXPECT_EQ(hub().granted(FrameType::kWindowUpdate, 1), 50'000U);
  hub().send(1, FrameType::kCloseBack, "");
  world.run_for(10ms);
  EXPECT_TRUE(edge->edge().connected());
  EXPECT_EQ(edge->machine().budget.granted(), 0U);
}

}  // namespace
}  // namespace penstock
