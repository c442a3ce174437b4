// What a carrier does with each frame, and what it forbids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/tunnel/carrier_fixture.h"

namespace penstock {
namespace {

using testing::HasSubstr;

class CarrierFramesTest : public CarrierFixture {
 protected:
  void start_hub() {
    start(Side::kHub, Mode::kUndecided);
    say(0, FrameType::kHello, "hello");
    ASSERT_EQ(carrier_->mode(), Mode::kPenstock);
  }
  void start_edge() { start(Side::kEdge, Mode::kPenstock); }
};

// ---------------------------------------------------------------------------------------------- the
// forbidden

struct Violation {
  std::string name;
  std::string frames;  // behind HELLO and OPEN of stream 5
  std::string error;
};

std::string frame_of(std::uint32_t stream, FrameType type, std::string_view payload = {}) {
  std::vector<std::byte> out;
  append_frame(out, stream, type, as_bytes(payload));
  return std::string{as_text(out)};
}

constexpr std::string_view kLine = "PROXY TCP4 203.0.113.9 198.51.100.9 40000 443\r\n";

// HELLO has 9 + 5 bytes, OPEN 9 + 47: the next frame is #3 at offset 70.
const std::vector<Violation>& violations() {
  using enum FrameType;
  static const std::vector<Violation> table{
      {"SameIdAgain", frame_of(5, kOpen, kLine),
       "OPEN frame #3 at offset 70: stream ids must increase, the last one was 5"},
      {"SmallerId", frame_of(4, kOpen, kLine),
       "OPEN frame #3 at offset 70: stream ids must increase, the last one was 5"},
      {"NeverOpened", frame_of(6, kData, "x"), "DATA frame #3 at offset 70: that stream was never opened"},
      {"CloseNeverOpened", frame_of(7, kClose), "CLOSE frame #3 at offset 70: that stream was never opened"},
      {"DataAfterClose", frame_of(5, kClose) + frame_of(5, kData, "x"),
       "DATA frame #4 at offset 79: data after the end of that direction"},
      {"CloseAfterClose", frame_of(5, kClose) + frame_of(5, kClose),
       "CLOSE frame #4 at offset 79: that direction has ended before"},
      {"SecondHello", frame_of(0, kHello, "hello"),
       "HELLO frame #3 at offset 70: HELLO must be the first frame"},
      {"WrongDirection", frame_of(5, kDataBack, "x"),
       "DATA_BACK frame #3 at offset 70: this frame must not be sent in this direction or was not agreed on"},
      {"ConfigFromAnEdge", frame_of(0, kConfig, "{}"),
       "CONFIG frame #3 at offset 70: this frame must not be sent in this direction or was not agreed on"},
      {"WindowTooLarge", frame_of(5, kWindowUpdate, std::string("\x01\x00\x00\x00", 4)),
       "WINDOW_UPDATE frame #3 at offset 70: the window grows beyond 16 MiB"},
      {"UnknownType", frame_of(0, FrameType{0x7f}), "#3 at offset 70: there is no frame type 0x7f"},
  };
  return table;
}

class ViolationTest : public CarrierFramesTest, public testing::WithParamInterface<Violation> {};

TEST_P(ViolationTest, EndsTheCarrierAndNamesTheFrame) {
  start_hub();
  say(5, FrameType::kOpen, kLine);
  const auto backend = attach(5);
  ASSERT_TRUE(carrier_->running());
  peer_->say(GetParam().frames);
  peer_->say(frame_of(9, FrameType::kOpen, kLine));  // nothing behind the fault is looked at
  loop_.settle();
  const auto farewell = heard(FrameType::kGoAway);
  ASSERT_EQ(farewell.size(), 1U);
  const auto message = parse_go_away(as_bytes(farewell[0].payload)).value();
  EXPECT_EQ(message.reason, PST_R_PROTOCOL_ERROR);
  EXPECT_THAT(message.text, HasSubstr(GetParam().error));
  EXPECT_EQ(owner_.opened, std::vector<std::uint32_t>{5});
  EXPECT_EQ(owner_.closed, (std::vector<FakeOwner::Ending>{{5, PST_R_TUNNEL_LOST, "protocol_error"}}));
  EXPECT_TRUE(backend->was_reset());
  EXPECT_TRUE(peer_->finished());
  peer_->end();
  loop_.settle();
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(owner_.ended->first, PST_R_PROTOCOL_ERROR);
  EXPECT_EQ(owner_.ended->second, message.text);
  EXPECT_EQ(count(PST_R_PROTOCOL_ERROR), 1U);
}

INSTANTIATE_TEST_SUITE_P(Table, ViolationTest, testing::ValuesIn(violations()),
                         [](const auto& param) { return param.param.name; });

TEST_F(CarrierFramesTest, TakesNoHelloAfterALegacyBeginning) {
  start(Side::kHub, Mode::kUndecided);
  say(1, FrameType::kOpen, kOpen);
  EXPECT_EQ(owner_.legacy, 1);
  say(1, FrameType::kReset, std::string("\x00\x10", 2));
  EXPECT_FALSE(carrier_->running());
  peer_->end();
  loop_.settle();
  ASSERT_TRUE(owner_.ended);
  EXPECT_THAT(owner_.ended->second, HasSubstr("RESET frame #2 at offset 56: this frame needs a HELLO first"));
  EXPECT_TRUE(heard(FrameType::kGoAway).empty());  // it would not be understood
}

// ---------------------------------------------------------------------------------------------- the order of
// frames

TEST_F(CarrierFramesTest, PutsCloseBehindDataThatHadToWaitForCredit) {
  start_edge();
  const auto client = open();
  client->say(std::string(40'000, 'x'));
  client->end();
  loop_.settle();
  EXPECT_EQ(data_of(1).size(), wire::kInitialCredit);
  EXPECT_TRUE(heard(FrameType::kClose).empty());
  grant(1, FrameType::kWindowUpdateBack, 23'616);  // all but the end itself
  EXPECT_EQ(data_of(1), std::string(40'000, 'x'));
  grant(1, FrameType::kWindowUpdateBack, 1);
  EXPECT_EQ(heard(FrameType::kClose).size(), 1U);
  EXPECT_EQ(heard().back().type, FrameType::kClose);
}

TEST_F(CarrierFramesTest, EndsAStreamWhenBothDirectionsHave) {
  start_edge();
  const auto client = open();
  client->say("request");
  client->end();
  loop_.settle();
  EXPECT_EQ(types(), "OPEN DATA CLOSE");
  say(1, FrameType::kDataBack, "answer");
  EXPECT_TRUE(owner_.closed.empty());
  say(1, FrameType::kCloseBack);
  EXPECT_EQ(owner_.closed, (std::vector<FakeOwner::Ending>{{1, PST_R_COMPLETED, ""}}));
  EXPECT_EQ(client->heard(), "answer");
  EXPECT_TRUE(client->finished());
  EXPECT_TRUE(client->gone());
  EXPECT_FALSE(client->was_reset());
  EXPECT_EQ(types(), "OPEN DATA CLOSE");  // nothing more to say
}

TEST_F(CarrierFramesTest, SendsNothingOfAStreamBehindItsReset) {
  start_hub();
  say(1, FrameType::kOpen, kOpen);
  const auto backend = attach(1);
  grant(1, FrameType::kWindowUpdate, 1'000'000);
  set_room(0);
  backend->say(std::string(500'000, 'x'));
  loop_.settle();
  carrier_->reset(1, PST_R_SERVICE_REMOVED, "off");
  EXPECT_TRUE(backend->was_reset());
  set_room(SIZE_MAX);
  EXPECT_EQ(heard().back().type, FrameType::kReset);
  EXPECT_EQ(reset_reason(1), PST_R_SERVICE_REMOVED);
  EXPECT_LE(data_of(1).size(), wire::kMaxDataSent);  // no more than was being written
  EXPECT_GT(backend->unread(), 480'000U);
}

TEST_F(CarrierFramesTest, PurgesBothDirectionsWhenThePeerResets) {
  start_hub();
  say(1, FrameType::kOpen, kOpen);
  const auto backend = attach(1, 0);
  say(1, FrameType::kData, std::string(10'000, 'x'));
  const ResetMessage reset{.reason = PST_R_CLIENT_RESET, .text = "gone"};
  say(1, FrameType::kReset, as_text(to_bytes(reset)));
  EXPECT_EQ(owner_.closed, (std::vector<FakeOwner::Ending>{{1, PST_R_CLIENT_RESET, "gone"}}));
  EXPECT_TRUE(backend->was_reset());
  EXPECT_EQ(backend->heard(), "");
  EXPECT_TRUE(heard(FrameType::kReset).empty());
  EXPECT_EQ(count(PST_R_CLIENT_RESET), 1U);
}

TEST_F(CarrierFramesTest, PutsControlFramesBeforeAllDataThatWaits) {
  start_hub();
  for (const std::uint32_t stream : {1U, 2U}) {
    say(stream, FrameType::kOpen, kOpen);
    grant(stream, FrameType::kWindowUpdate, 1'000'000);
  }
  const auto one = attach(1);
  const auto two = attach(2);
  set_room(100);
  one->say(std::string(500'000, 'x'));
  two->say(std::string(500'000, 'x'));
  loop_.settle();
  say(0, FrameType::kPing, "question");
  set_room(SIZE_MAX);
  EXPECT_TRUE(types().starts_with("DATA_BACK PONG DATA_BACK DATA_BACK")) << types().substr(0, 100);
  EXPECT_EQ(data_of(1).size() + data_of(2).size(), 1'000'000U);
}

TEST_F(CarrierFramesTest, AnswersAPingWithItsOwnBytes) {
  start_hub();
  say(0, FrameType::kPing, "any bytes");
  say(0, FrameType::kPing);
  const auto answers = heard(FrameType::kPong);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].payload, "any bytes");
  EXPECT_EQ(answers[1].payload, "");
}

// ---------------------------------------------------------------------------------------------- one stream
// only

TEST_F(CarrierFramesTest, CountsLateFramesAndGoesOn) {
  start_hub();
  say(1, FrameType::kOpen, kOpen);
  carrier_->reset(1, PST_R_DIAL_FAILED, "no");
  say(1, FrameType::kData, "late");
  grant(1, FrameType::kWindowUpdate, 5);
  say(1, FrameType::kClose);
  EXPECT_EQ(count(PST_R_LATE_FRAME), 3U);
  EXPECT_TRUE(carrier_->running());
  EXPECT_EQ(types(), "RESET");
}

TEST_F(CarrierFramesTest, GivesALegacyPeerItsCreditBackForWhatCameLate) {
  start(Side::kHub, Mode::kUndecided);
  say(1, FrameType::kOpen, kOpen);
  carrier_->reset(1, PST_R_DIAL_FAILED, "no");
  say(1, FrameType::kData, std::string(1000, 'x'));
  EXPECT_EQ(types(), "CLOSE_BACK WINDOW_UPDATE_BACK");
  EXPECT_EQ(load_u32(as_bytes(heard().back().payload).data()), 1000U);
}

TEST_F(CarrierFramesTest, ResetsOnlyTheStreamThatGotMoreThanItsWindow) {
  start_hub();
  say(1, FrameType::kOpen, kOpen);
  say(2, FrameType::kOpen, kOpen);
  const auto backend = attach(2);
  say(1, FrameType::kData, std::string(wire::kInitialCredit, 'x'));
  EXPECT_EQ(reset_reason(1), PST_R_COMPLETED);
  say(1, FrameType::kData, "x");
  EXPECT_EQ(reset_reason(1), PST_R_WINDOW_EXCEEDED);
  say(2, FrameType::kData, "as before");
  EXPECT_EQ(backend->heard(), "as before");
  EXPECT_TRUE(carrier_->running());
}

TEST_F(CarrierFramesTest, RefusesAStreamWhoseAddressesItCannotRead) {
  start_hub();
  say(1, FrameType::kOpen, "PROXY UNKNOWN\r\n");
  EXPECT_EQ(reset_reason(1), PST_R_BAD_OPEN);
  EXPECT_TRUE(owner_.opened.empty());
  EXPECT_TRUE(carrier_->running());
}

TEST_F(CarrierFramesTest, RefusesAStreamBeyondThoseItMayHave) {
  start_hub();
  for (std::uint32_t stream = 1; stream <= 9; ++stream) say(stream, FrameType::kOpen, kOpen);
  EXPECT_EQ(owner_.opened.size(), 8U);
  EXPECT_EQ(reset_reason(9), PST_R_WINDOW_BUDGET);
  EXPECT_EQ(count(PST_R_WINDOW_BUDGET), 1U);
  carrier_->reset(3, PST_R_DIAL_FAILED, {});
  say(10, FrameType::kOpen, kOpen);  // there is a place again
  EXPECT_EQ(owner_.opened.back(), 10U);
}

TEST_F(CarrierFramesTest, GrantsNothingForWhatTheBackendHasNotTaken) {
  start_hub();
  say(1, FrameType::kOpen, kOpen);
  const auto backend = attach(1, 0);
  say(1, FrameType::kData, std::string(wire::kInitialCredit, 'x'));
  EXPECT_EQ(types(), "");
  backend->set_room(SIZE_MAX);
  loop_.settle();
  EXPECT_EQ(backend->heard().size(), wire::kInitialCredit);
  EXPECT_EQ(types(), "WINDOW_UPDATE_BACK");
}

TEST_F(CarrierFramesTest, EndsTheBackendsDirectionBehindWhatWaitsForIt) {
  start_hub();
  say(1, FrameType::kOpen, kOpen);
  const auto backend = attach(1, 1000);
  say(1, FrameType::kData, std::string(5000, 'x'));
  say(1, FrameType::kClose);
  EXPECT_FALSE(backend->finished());
  backend->set_room(SIZE_MAX);
  loop_.settle();
  EXPECT_EQ(backend->heard(), std::string(5000, 'x'));
  EXPECT_TRUE(backend->finished());
}

TEST_F(CarrierFramesTest, StopsReadingFromAPeerThatTakesNoAnswers) {
  start_hub();
  set_room(0);
  std::string questions;
  for (int i = 0; i < 10'000; ++i) questions += frame(0, FrameType::kPing, std::string(64, 'x'));
  peer_->say(questions);
  loop_.settle();
  EXPECT_GT(peer_->unread(), 200'000U);
  set_room(SIZE_MAX);
  EXPECT_EQ(peer_->unread(), 0U);
  EXPECT_EQ(heard(FrameType::kPong).size(), 10'000U);
}

TEST_F(CarrierFramesTest, TakesFramesThatComeByteByByte) {
  start_hub();
  const std::string all = frame(1, FrameType::kOpen, kOpen) + frame(1, FrameType::kData, "hello") +
                          frame(0, FrameType::kPing, "12345678") + frame(1, FrameType::kClose, {});
  std::shared_ptr<FakePeer> backend;
  for (const char& byte : all) {
    peer_->say({&byte, 1});
    loop_.settle();
    if (backend == nullptr && !owner_.opened.empty()) backend = attach(1);
  }
  ASSERT_NE(backend, nullptr);
  EXPECT_EQ(backend->heard(), "hello");
  EXPECT_TRUE(backend->finished());
  EXPECT_EQ(types(), "PONG");
}

}  // namespace
}  // namespace penstock
