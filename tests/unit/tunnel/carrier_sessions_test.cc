// What a carrier tells its owner of sessions, and what it forbids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/tunnel/carrier_fixture.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string reset_payload(Reason reason) {
  return std::string{as_text(to_bytes(ResetMessage{.reason = reason, .text = {}}))};
}

class CarrierSessionsTest : public CarrierFixture {
 protected:
  void start_hub() {
    start(Side::kHub, Mode::kUndecided);
    say(0, FrameType::kHello, "hello");
  }
  void start_edge(Mode mode = Mode::kPenstock) { start(Side::kEdge, mode); }
  std::string end() {
    peer_->end();
    loop_.settle();
    return owner_.ended ? owner_.ended->second : "it goes on";
  }

  const std::string header_ = std::string(wire::kMinUdpOpen, 'p');
};

TEST_F(CarrierSessionsTest, TellsAHubWhatAnEdgeSays) {
  using enum FrameType;
  start_hub();
  say(kSession, kUdpOpen, header_);
  say(kSession, kUdpData, "datagram");
  say(kSession, kUdpData);
  say(kSession, kUdpMove, header_);
  say(kSession, kUdpClose);
  EXPECT_EQ(owner_.told, (std::vector<HeardFrame>{{kSession, kUdpOpen, header_},
                                                  {kSession, kUdpData, "datagram"},
                                                  {kSession, kUdpData, ""},
                                                  {kSession, kUdpMove, header_},
                                                  {kSession, kUdpClose, ""}}));
  EXPECT_TRUE(carrier_->running());
  EXPECT_EQ(types(), "");  // answers are the owner's
}

TEST_F(CarrierSessionsTest, TellsAnEdgeWhatAHubSays) {
  using enum FrameType;
  start_edge();
  const std::string largest(wire::kMaxDatagram, 'x');
  say(kSession, kUdpOpenAck);
  say(kSession, kUdpDataBack, largest);
  say(kSession, kUdpClose);
  EXPECT_EQ(owner_.told,
            (std::vector<HeardFrame>{
                {kSession, kUdpOpenAck, ""}, {kSession, kUdpDataBack, largest}, {kSession, kUdpClose, ""}}));
}

TEST_F(CarrierSessionsTest, SaysWhenATurnIsOver) {
  start_hub();
  EXPECT_THAT(owner_.told_by_turn_end, IsEmpty());
  peer_->say(frame(kSession, FrameType::kUdpData, "1") + frame(0, FrameType::kPing, {}) +
             frame(kSession, FrameType::kUdpData, "2"));
  loop_.settle();
  EXPECT_EQ(owner_.told_by_turn_end, std::vector<std::size_t>{2});
  say(0, FrameType::kPing);
  say(1, FrameType::kOpen, kOpen);
  EXPECT_EQ(owner_.told_by_turn_end, std::vector<std::size_t>{2});  // nothing of a session came
  say(kSession, FrameType::kUdpData, "3");
  EXPECT_EQ(owner_.told_by_turn_end, (std::vector<std::size_t>{2, 3}));
}

TEST_F(CarrierSessionsTest, SaysWhenATurnIsOverThatEndsTheCarrier) {
  start_hub();
  peer_->say(frame(kSession, FrameType::kUdpData, "1") + frame(9, FrameType::kData, "never opened"));
  loop_.settle();
  EXPECT_FALSE(carrier_->running());
  EXPECT_EQ(owner_.told_by_turn_end, std::vector<std::size_t>{1});
}

TEST_F(CarrierSessionsTest, TakesDatagramsThatComeByteByByte) {
  start_hub();
  const std::string all = frame(kSession, FrameType::kUdpOpen, header_) +
                          frame(kSession, FrameType::kUdpData, "hello") +
                          frame(kSession, FrameType::kUdpData, {});
  for (const char& byte : all) {
    peer_->say({&byte, 1});
    loop_.settle();
  }
  ASSERT_EQ(owner_.told.size(), 3U);
  EXPECT_EQ(owner_.told[1].payload, "hello");
  EXPECT_EQ(owner_.told_by_turn_end, (std::vector<std::size_t>{1, 2, 3}));
}

TEST_F(CarrierSessionsTest, EndsWhenItsOwnerFindsAFault) {
  start_hub();
  owner_.session_fault = "the owner says no";
  say(kSession, FrameType::kUdpData, "x");
  EXPECT_THAT(end(), HasSubstr("UDP_DATA frame #2 at offset 14: the owner says no"));
}

// ---------------------------------------------------------------------------------------------- ids

TEST_F(CarrierSessionsTest, TellsResetsOfSessionsAndStreamsApart) {
  start_hub();
  say(5, FrameType::kOpen, kOpen);
  say(kSession, FrameType::kReset, reset_payload(PST_R_EVICTED));
  EXPECT_THAT(owner_.closed, IsEmpty());
  EXPECT_EQ(owner_.told,
            (std::vector<HeardFrame>{{kSession, FrameType::kReset, reset_payload(PST_R_EVICTED)}}));
  say(5, FrameType::kReset, reset_payload(PST_R_CLIENT_RESET));
  EXPECT_EQ(owner_.closed, (std::vector<FakeOwner::Ending>{{5, PST_R_CLIENT_RESET, ""}}));
  EXPECT_EQ(owner_.told.size(), 1U);
  EXPECT_EQ(count(PST_R_LATE_FRAME), 0U);
}

struct WrongId {
  std::string name;
  Side side;
  std::uint32_t id;
  FrameType type;
  std::size_t size;
  std::string error;
};

class WrongIdTest : public CarrierSessionsTest, public testing::WithParamInterface<WrongId> {};

TEST_P(WrongIdTest, EndsTheCarrier) {
  const WrongId& wrong = GetParam();
  if (wrong.side == Side::kHub) {
    start_hub();
    say(5, FrameType::kOpen, kOpen);
  } else {
    start_edge();
    open();
  }
  say(wrong.id, wrong.type, std::string(wrong.size, 'x'));
  EXPECT_FALSE(carrier_->running());
  EXPECT_THAT(end(), HasSubstr(wrong.error));
  EXPECT_THAT(owner_.told, IsEmpty());
  EXPECT_EQ(count(PST_R_PROTOCOL_ERROR), 1U);
}

constexpr const char* kNoSession = ": that id is a stream's, no session has it";
constexpr const char* kNoStream = ": that id is a session's";

INSTANTIATE_TEST_SUITE_P(
    Table, WrongIdTest,
    testing::Values(
        WrongId{"UdpOpen", Side::kHub, 5, FrameType::kUdpOpen, 28,
                std::string{"UDP_OPEN frame #3 at offset 70"} + kNoSession},
        WrongId{"UdpData", Side::kHub, 6, FrameType::kUdpData, 1,
                std::string{"UDP_DATA frame #3 at offset 70"} + kNoSession},
        WrongId{"UdpClose", Side::kHub, 0x7fffffff, FrameType::kUdpClose, 0, kNoSession},
        WrongId{"UdpDataBack", Side::kEdge, 1, FrameType::kUdpDataBack, 1, kNoSession},
        WrongId{"UdpOpenAck", Side::kEdge, 1, FrameType::kUdpOpenAck, 0, kNoSession},
        WrongId{"UdpMove", Side::kHub, 1, FrameType::kUdpMove, 28, kNoSession},
        WrongId{"Open", Side::kHub, kSession, FrameType::kOpen, 0,
                std::string{"OPEN frame #3 at offset 70"} + kNoStream},
        WrongId{"Data", Side::kHub, kSession, FrameType::kData, 1, kNoStream},
        WrongId{"Close", Side::kHub, kSession, FrameType::kClose, 0, kNoStream},
        WrongId{"WindowUpdate", Side::kHub, kSession, FrameType::kWindowUpdate, 4, kNoStream},
        WrongId{"DataBack", Side::kEdge, wire::kSessionBit | 1, FrameType::kDataBack, 1, kNoStream},
        WrongId{"CloseBack", Side::kEdge, 0xffffffff, FrameType::kCloseBack, 0, kNoStream},
        WrongId{"WindowUpdateBack", Side::kEdge, kSession, FrameType::kWindowUpdateBack, 4, kNoStream}),
    [](const auto& param) { return param.param.name; });

struct WrongWay {
  std::string name;
  Side side;
  FrameType type;
  std::size_t size;
};

class WrongWayTest : public CarrierSessionsTest, public testing::WithParamInterface<WrongWay> {};

TEST_P(WrongWayTest, EndsTheCarrier) {
  const WrongWay& wrong = GetParam();
  if (wrong.side == Side::kHub) {
    start_hub();
  } else {
    start_edge();
  }
  say(kSession, wrong.type, std::string(wrong.size, 'x'));
  EXPECT_THAT(end(), HasSubstr("this frame must not be sent in this direction"));
  EXPECT_THAT(owner_.told, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Table, WrongWayTest,
                         testing::Values(WrongWay{"UdpOpenToAnEdge", Side::kEdge, FrameType::kUdpOpen, 28},
                                         WrongWay{"UdpDataToAnEdge", Side::kEdge, FrameType::kUdpData, 1},
                                         WrongWay{"UdpDataBackToAHub", Side::kHub, FrameType::kUdpDataBack,
                                                  1},
                                         WrongWay{"UdpOpenAckToAHub", Side::kHub, FrameType::kUdpOpenAck, 0},
                                         WrongWay{"UdpMoveToAnEdge", Side::kEdge, FrameType::kUdpMove, 28}),
                         [](const auto& param) { return param.param.name; });

TEST_F(CarrierSessionsTest, HasNoIdsLeftWhereThoseOfSessionsBegin) {
  start_hub();
  say(wire::kSessionBit - 2, FrameType::kOpen, kOpen);
  EXPECT_TRUE(carrier_->ids_left());
  say(wire::kSessionBit - 1, FrameType::kOpen, kOpen);
  EXPECT_FALSE(carrier_->ids_left());
  EXPECT_EQ(owner_.opened.size(), 2U);
}

// ---------------------------------------------------------------------------------------------- legacy mode

TEST_F(CarrierSessionsTest, TakesAFirstFrameOfUdpForALegacyPeer) {
  start(Side::kHub, Mode::kUndecided);
  say(1, FrameType::kUdpOpen, header_);
  EXPECT_EQ(carrier_->mode(), Mode::kLegacy);
  EXPECT_EQ(owner_.legacy, 1);
  EXPECT_EQ(owner_.told, (std::vector<HeardFrame>{{1, FrameType::kUdpOpen, header_}}));
}

TEST_F(CarrierSessionsTest, LetsALegacyEdgeNameSessionsAsItLikes) {
  start(Side::kHub, Mode::kUndecided);
  say(1, FrameType::kOpen, kOpen);
  const auto backend = attach(1);
  for (const std::uint32_t session : {1U, 7U, 0x80000001U, 0xffffffffU, 2U}) {
    say(session, FrameType::kUdpData, "datagram");
    EXPECT_EQ(owner_.told.back(), (HeardFrame{session, FrameType::kUdpData, "datagram"}));
  }
  say(1, FrameType::kUdpClose);
  say(1, FrameType::kData, "stream");  // the stream with the id of a session is another thing
  EXPECT_EQ(backend->heard(), "stream");
  say(2, FrameType::kOpen, kOpen);  // and sessions use no id of streams up
  EXPECT_EQ(owner_.opened, (std::vector<std::uint32_t>{1, 2}));
}

TEST_F(CarrierSessionsTest, LetsALegacyHubNameSessionsAsTheEdgeDid) {
  start_edge(Mode::kLegacy);
  say(3, FrameType::kUdpDataBack, "datagram");
  say(3, FrameType::kUdpClose);
  ASSERT_EQ(owner_.told.size(), 2U);
  EXPECT_EQ(owner_.told[0], (HeardFrame{3, FrameType::kUdpDataBack, "datagram"}));
}

TEST_F(CarrierSessionsTest, TakesNoAckInLegacyMode) {
  start_edge(Mode::kLegacy);
  say(3, FrameType::kUdpOpenAck);
  EXPECT_THAT(end(), HasSubstr("UDP_OPEN_ACK frame #1 at offset 0: this frame needs a HELLO first"));
  EXPECT_THAT(owner_.told, IsEmpty());
}

TEST_F(CarrierSessionsTest, TakesNoResetOfASessionInLegacyMode) {
  start(Side::kHub, Mode::kUndecided);
  say(kSession, FrameType::kUdpOpen, header_);
  say(kSession, FrameType::kReset, reset_payload(PST_R_EVICTED));
  EXPECT_THAT(end(), HasSubstr("RESET frame #2 at offset 37: this frame needs a HELLO first"));
}

}  // namespace
}  // namespace penstock
