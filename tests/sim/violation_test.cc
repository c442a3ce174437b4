// An authenticated peer that breaks the protocol: its carrier ends, or its stream alone, with a text that
// says where.
#include <gmock/gmock.h>

#include "sim/scripted_hub.h"
#include "sim/scripted_peer.h"
#include "sim/sim_datagrams.h"
#include "sim/world.h"

namespace penstock {
namespace {

using testing::HasSubstr;

std::string header(std::uint32_t stream, std::uint8_t type, std::uint32_t length) {
  return u32(stream) + static_cast<char>(type) + u32(length);
}

std::string hello(std::uint64_t instance) {
  return to_json(HelloMessage{.instance = instance, .software = "test"});
}

/// An edge played by hand beside a real one, whose flow must not notice anything.
class ViolationTest : public testing::Test {
 protected:
  ViolationTest() {
    world.start();
    const Token token = decode_token(world.hub().hub().add_edge("bad", {}, {}).value()).value();
    backend_host.listen({IpAddress::v4(0x0a000009), 9000});
    Service service{
        .name = "scripted", .ports = {}, .edges = {"bad"}, .target = {.host = "10.0.0.9", .port = 9000}};
    service.ports.add({444, 444});
    world.hub().hub().add_service(service).value();
    host.dial(World::hub_endpoint());
    EXPECT_TRUE(world.run_until([&] { return !host.peers().empty(); }, 1s));
    peer().send("EDGE bad " + token.secret + "\n");
    EXPECT_TRUE(world.run_until([&] { return !peer().line().empty(); }, 1s));
    innocent =
        &world.open({.client = {.send = 200'000, .take = 1000, .pause = 10ms}, .backend = {.send = 200'000}});
  }
  ~ViolationTest() override {
    EXPECT_TRUE(world.run_until([&] { return innocent->completed(); }, 30s)) << innocent->mistake();
    world.run_for(2s);
    world.expect_nothing_left();
  }

  ScriptedPeer& peer() { return host.peer(); }
  void say_hello() { peer().send(0, FrameType::kHello, hello(7)); }
  /// Waits for the end of the carrier, and tells why, in the hub's words.
  std::string end() {
    EXPECT_TRUE(
        world.run_until([&] { return world.hub().journal().count("carrier_down", "edge", "bad") == 1; }, 3s));
    EXPECT_TRUE(peer().gone());
    const auto event = world.hub().journal().last("carrier_down");
    EXPECT_EQ(event.text("reason"), "protocol_error");
    if (!peer().frames(FrameType::kGoAway).empty()) {
      EXPECT_EQ(peer().go_away().reason, PST_R_PROTOCOL_ERROR);
      EXPECT_EQ(peer().go_away().text, event.text("error"));
    }
    return event.text("error");
  }
  bool told() { return !peer().frames(FrameType::kGoAway).empty(); }
  /// A stream that reaches the backend which the test plays.
  void open(std::uint32_t id) {
    peer().send(id, FrameType::kOpen, "PROXY TCP4 203.0.113.9 198.51.100.9 40000 444\r\n");
    const std::size_t before = backend_host.peers().size();
    EXPECT_TRUE(world.run_until([&] { return backend_host.peers().size() > before; }, 1s));
  }

  World world{71};
  ScriptedHost host{world.internet, IpAddress::v4(0xc6336463), true};
  ScriptedHost backend_host{world.internet, IpAddress::v4(0x0a000009), false};
  SimFlow* innocent = nullptr;
};

TEST_F(ViolationTest, UnknownType) {
  say_hello();
  peer().send(header(1, 0x7f, 0));
  EXPECT_THAT(end(), testing::AllOf(HasSubstr("frame #2 at offset " + std::to_string(9 + hello(7).size())),
                                    HasSubstr("0x7f")));
  EXPECT_TRUE(told());
}

TEST_F(ViolationTest, PayloadLongerThanItsTypeMayHave) {
  say_hello();
  peer().send(header(1, 0x01, 108));
  EXPECT_THAT(end(), HasSubstr("OPEN frame #2"));
}

TEST_F(ViolationTest, DataLongerThanAnyFrame) {
  say_hello();
  open(1);
  peer().send(header(1, 0x02, wire::kMaxPayload + 1));
  EXPECT_THAT(end(), HasSubstr("DATA frame #3"));
}

TEST_F(ViolationTest, StreamIdsThatDoNotIncrease) {
  say_hello();
  peer().send(5, FrameType::kOpen, kOpen);
  peer().send(5, FrameType::kOpen, kOpen);
  EXPECT_THAT(end(),
              testing::AllOf(HasSubstr("OPEN frame #3"), HasSubstr("must increase, the last one was 5")));
}

TEST_F(ViolationTest, DataForAStreamThatWasNeverOpened) {
  say_hello();
  open(1);
  peer().send(2, FrameType::kData, "x");
  EXPECT_THAT(end(), testing::AllOf(HasSubstr("DATA frame #3"), HasSubstr("never opened")));
}

TEST_F(ViolationTest, DataBehindItsClose) {
  say_hello();
  open(1);
  peer().send(1, FrameType::kClose, "");
  peer().send(1, FrameType::kData, "x");
  EXPECT_THAT(end(),
              testing::AllOf(HasSubstr("DATA frame #4"), HasSubstr("after the end of that direction")));
}

TEST_F(ViolationTest, SecondClose) {
  say_hello();
  open(1);
  peer().send(1, FrameType::kClose, "");
  peer().send(1, FrameType::kClose, "");
  EXPECT_THAT(end(), HasSubstr("CLOSE frame #4"));
}

TEST_F(ViolationTest, WindowThatGrowsBeyondItsMost) {
  say_hello();
  open(1);
  peer().send(1, FrameType::kWindowUpdate, u32(wire::kMaxPayload));
  EXPECT_THAT(end(), HasSubstr("WINDOW_UPDATE frame #3"));
}

TEST_F(ViolationTest, ConfigForAHub) {
  say_hello();
  peer().send(0, FrameType::kConfig, "{\"listenPorts\":[]}");
  EXPECT_THAT(end(), HasSubstr("CONFIG frame #2"));
}

TEST_F(ViolationTest, HelloTwice) {
  say_hello();
  say_hello();
  EXPECT_THAT(end(), testing::AllOf(HasSubstr("HELLO frame #2"), HasSubstr("must be the first")));
}

TEST_F(ViolationTest, HelloThatCannotBeRead) {
  peer().send(0, FrameType::kHello, "{\"version\":1}");
  EXPECT_THAT(end(), HasSubstr("HELLO frame #1 at offset 0"));
}

TEST_F(ViolationTest, DataFromTheWrongSide) {
  say_hello();
  open(1);
  peer().send(1, FrameType::kDataBack, "x");
  EXPECT_THAT(end(), HasSubstr("DATA_BACK frame #3"));
}

TEST_F(ViolationTest, FramesOfUdp) {
  say_hello();
  open(1);
  peer().send(1, FrameType::kUdpData, "x");
  EXPECT_THAT(end(), HasSubstr("UDP_DATA frame #3"));
}

TEST_F(ViolationTest, ConfigResultThatCannotBeRead) {
  say_hello();
  peer().send(0, FrameType::kConfigResult, "[]");
  EXPECT_THAT(end(), HasSubstr("CONFIG_RESULT frame #2"));
}

TEST_F(ViolationTest, MoreThanTheWindowEndsTheStreamAlone) {
  say_hello();
  open(1);
  open(2);
  backend_host.peers().front()->stop_reading();
  std::string flood(wire::kInitialCredit + 65536 + 262144 + 100'000, 'x');
  peer().send(1, FrameType::kData, flood);
  ASSERT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kReset, 1).empty(); }, 1s));
  EXPECT_EQ(peer().reset(1).reason, PST_R_WINDOW_EXCEEDED);
  EXPECT_THAT(peer().reset(1).text, HasSubstr("DATA frame #4"));
  peer().send(2, FrameType::kData, "still there");
  ASSERT_TRUE(world.run_until([&] { return backend_host.peers().back()->received() == 11; }, 1s));
  peer().send(2, FrameType::kReset, std::string{"\0\0", 2});
  EXPECT_GT(world.hub().machine().count(PST_R_WINDOW_EXCEEDED), 0U);
  world.run_for(10ms);
  EXPECT_FALSE(peer().gone());
  peer().finish();
}

TEST_F(ViolationTest, AddressesThatCannotBeReadEndTheStreamAlone) {
  say_hello();
  peer().send(1, FrameType::kOpen, "PROXY UNKNOWN\r\n");
  ASSERT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kReset, 1).empty(); }, 1s));
  EXPECT_EQ(peer().reset(1).reason, PST_R_BAD_OPEN);
  EXPECT_FALSE(peer().gone());
  peer().finish();
}

TEST_F(ViolationTest, LateFramesAreCountedAndNothingElse) {
  say_hello();
  open(1);
  peer().send(1, FrameType::kReset, std::string{"\0\0", 2});
  peer().send(1, FrameType::kData, "late");
  peer().send(1, FrameType::kWindowUpdate, u32(1000));
  peer().send(1, FrameType::kClose, "");
  world.run_for(100ms);
  EXPECT_FALSE(peer().gone());
  EXPECT_EQ(world.hub().machine().count(PST_R_LATE_FRAME), 3U);
  peer().finish();
}

TEST_F(ViolationTest, KeysOfAReportThatWeDoNotKnowAreIgnoredAndSoAreReasons) {
  say_hello();
  open(1);
  peer().send(0, FrameType::kReport, "{\"anything\":1}");
  peer().send(1, FrameType::kReset, std::string{"\x12\x34", 2} + "from the future");
  peer().send(0, FrameType::kPing, "12345678");
  ASSERT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kPong).empty(); }, 1s));
  EXPECT_EQ(peer().frames(FrameType::kPong).front().payload, "12345678");
  EXPECT_EQ(world.hub().journal().last("stream_closed").text("reason"), "unknown");
  EXPECT_EQ(world.hub().journal().last("stream_closed").text("text"), "from the future");
  peer().finish();
}

TEST_F(ViolationTest, APeerThatAsksWithoutReadingAnswersHoldsLittleMemory) {
  say_hello();
  peer().stop_reading();
  for (int i = 0; i < 200; ++i) {
    for (int j = 0; j < 1000; ++j) peer().send(0, FrameType::kPing, std::string(64, 'p'));
    world.run_for(1ms);
  }
  // 14.6 MB of questions: the hub stops reading them once as many answers as it queues are queued.
  const auto wire = world.internet.wires_to(World::hub_endpoint()).back();
  EXPECT_GT(wire->from(SimWire::kDialler).inside(), 100'000U);
  EXPECT_LT(wire->from(SimWire::kDialler).carried(), 1'000'000U);
  world.run_for(20s);
  EXPECT_EQ(world.hub().journal().last("carrier_down").text("reason"), "peer_silent");
}

// ---------------------------------------------------------------------------------- a hub that does

class BadHubTest : public ScriptedHubTest {};

TEST_F(BadHubTest, SendsAnAnswerThatCannotBeRead) {
  peer().send("[1,2,3]\n");
  ASSERT_TRUE(world.run_until([&] { return edge->journal().count("dial_failed") == 1; }, 1s));
  EXPECT_EQ(edge->journal().last("dial_failed").text("reason"), "bad_handshake");
}

TEST_F(BadHubTest, NeverAnswers) {
  ASSERT_TRUE(world.run_until([&] { return edge->journal().count("dial_failed") == 1; }, 11s));
  EXPECT_EQ(edge->journal().last("dial_failed").text("reason"), "handshake_timeout");
  world.run_for(1ms);
  EXPECT_TRUE(peer().gone());
}

TEST_F(BadHubTest, OpensAStream) {
  assign();
  peer().send(1, FrameType::kOpen, kOpen);
  EXPECT_THAT(end(), HasSubstr("OPEN frame #1 at offset 0"));
}

TEST_F(BadHubTest, AnswersAStreamThatWasNeverOpened) {
  assign();
  peer().send(1, FrameType::kDataBack, "x");
  EXPECT_THAT(end(), HasSubstr("never opened"));
}

TEST_F(BadHubTest, SendsMoreThanItWasGranted) {
  assign();
  SimFlow& flow =
      world.open(*edge, 443, {.client = {.finish = false, .reads = false}, .backend = {.send = 1ULL << 30}});
  ASSERT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kOpen).empty(); }, 1s));
  peer().send(1, FrameType::kDataBack, std::string(1 << 20, 'x'));
  ASSERT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kReset, 1).empty(); }, 1s));
  EXPECT_EQ(peer().reset(1).reason, PST_R_WINDOW_EXCEEDED);
  ASSERT_TRUE(world.run_until([&] { return flow.client()->gone(); }, 1s));
  EXPECT_TRUE(edge->edge().connected());
  EXPECT_EQ(edge->machine().budget.granted(), 0U);
}

TEST_F(BadHubTest, SendsAConfigThatCannotBeRead) {
  assign();
  peer().send(0, FrameType::kConfig, "{\"listenPorts\":\"all\"}");
  EXPECT_THAT(end(), testing::AllOf(HasSubstr("CONFIG frame #1"), HasSubstr("listenPorts")));
}

TEST_F(BadHubTest, IgnoresAnOlderConfig) {
  assign();
  Assignment older;
  older.penstock = Assignment::Extension{.features = {}, .instance = 5, .generation = 0, .services = {}};
  peer().send(0, FrameType::kConfig, to_line(older));
  world.run_for(10ms);
  EXPECT_EQ(edge->edge().ports().open().to_string(), "443");
  EXPECT_EQ(peer().frames(FrameType::kConfigResult).size(), 1U);
}

/// Each is counted and harms nothing: the session that is there goes on.
TEST_F(BadHubTest, SpeaksOfSessionsThatWereNeverOpenedOrAreOver) {
  assign();
  SimDatagrams client{world.internet, {IpAddress::v4(0xcb007101), 4000}};
  client.send({edge->address(), 53}, "question");
  ASSERT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kUdpData).empty(); }, 1s));
  const std::uint32_t session = peer().frames(FrameType::kUdpOpen).front().header.stream;
  const std::uint32_t never = session + 7;
  const std::uint32_t over = session + (1U << 20);  // the slot with another generation
  for (const std::uint32_t id : {never, over}) {
    peer().send(id, FrameType::kUdpOpenAck, "");
    peer().send(id, FrameType::kUdpDataBack, "for nobody");
    peer().send(id, FrameType::kUdpClose, "");
    peer().send(id, FrameType::kReset, to_bytes(ResetMessage{.reason = PST_R_EVICTED, .text = {}}));
  }
  peer().send(session, FrameType::kUdpOpenAck, "");
  peer().send(session, FrameType::kUdpDataBack, "answer");
  ASSERT_TRUE(world.run_until([&] { return !client.got().empty(); }, 1s));
  ASSERT_EQ(client.got().size(), 1U);
  EXPECT_EQ(client.got().front().payload, "answer");
  EXPECT_EQ(edge->machine().count(PST_R_NO_SESSION), 4U);
  EXPECT_EQ(edge->machine().count(PST_R_STALE_SESSION), 1U);
  EXPECT_EQ(edge->machine().count(PST_R_LATE_FRAME), 3U);
  EXPECT_EQ(edge->journal().count("carrier_down"), 0U);
  world.expect_balanced_books();
}

}  // namespace
}  // namespace penstock
