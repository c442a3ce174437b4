// How a carrier begins, watches its peer and its streams, and ends.
#include <gtest/gtest.h>

#include "unit/tunnel/carrier_fixture.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

class CarrierLifeTest : public CarrierFixture {};

TEST_F(CarrierLifeTest, SendsItsGreetingFirstAndReadsWhatCameBehindTheLine) {
  greeting_ = "EDGE a b\n";
  const std::string ping = frame(0, FrameType::kPing, "leftover");
  leftover_.assign(as_bytes(ping).begin(), as_bytes(ping).end());
  start(Side::kEdge, Mode::kPenstock);
  EXPECT_TRUE(peer_->heard().starts_with(greeting_));
  ASSERT_EQ(heard(FrameType::kPong).size(), 1U);
  EXPECT_EQ(heard(FrameType::kPong)[0].payload, "leftover");
}

TEST_F(CarrierLifeTest, HandsMessagesToItsOwnerWhole) {
  start(Side::kEdge, Mode::kPenstock);
  const std::string config = frame(0, FrameType::kConfig, std::string(100'000, ' '));
  peer_->say(config.substr(0, 50'000));
  loop_.settle();
  EXPECT_TRUE(owner_.messages.empty());
  peer_->say(config.substr(50'000));
  const GoAwayMessage going{.reason = PST_R_DRAINING, .retry_after = 5s, .text = "later"};
  say(0, FrameType::kGoAway, as_text(to_bytes(going)));
  ASSERT_EQ(owner_.messages.size(), 1U);
  EXPECT_EQ(owner_.messages[0].second.size(), 100'000U);
  EXPECT_EQ(owner_.going, std::vector<GoAwayMessage>{going});
}

// ---------------------------------------------------------------------------------------------- the peer

TEST_F(CarrierLifeTest, AsksASilentPeerAndMeasuresItsAnswer) {
  start(Side::kEdge, Mode::kPenstock);
  loop_.advance(1s);  // the first question, to know the round trip
  ASSERT_EQ(heard(FrameType::kPing).size(), 1U);
  EXPECT_EQ(heard(FrameType::kPing)[0].payload.size(), 8U);
  loop_.advance(250ms);
  say(0, FrameType::kPong, heard(FrameType::kPing)[0].payload);
  EXPECT_EQ(carrier_->report().rtt, 250ms);
  loop_.advance(3s);
  EXPECT_EQ(heard(FrameType::kPing).size(), 1U);
  loop_.advance(2s);
  EXPECT_EQ(heard(FrameType::kPing).size(), 2U);
}

TEST_F(CarrierLifeTest, GivesASilentPeerUp) {
  start(Side::kEdge, Mode::kPenstock);
  const auto client = open();
  loop_.advance(11s);
  EXPECT_FALSE(owner_.ended);
  loop_.advance(1s);
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(owner_.ended->first, PST_R_PEER_SILENT);
  EXPECT_EQ(owner_.ended->second, "nothing was heard for 12 s");
  EXPECT_EQ(owner_.closed, (std::vector<FakeOwner::Ending>{{1, PST_R_TUNNEL_LOST, "peer_silent"}}));
  EXPECT_TRUE(client->was_reset());
}

TEST_F(CarrierLifeTest, KeepsAPeerThatSaysAnything) {
  start(Side::kEdge, Mode::kPenstock);
  for (int i = 0; i < 10; ++i) {
    loop_.advance(11s);
    say(0, FrameType::kReport, "{}");
  }
  EXPECT_TRUE(carrier_->running());
  loop_.advance(12s);
  EXPECT_FALSE(carrier_->running());
}

TEST_F(CarrierLifeTest, AsksALegacyEdgeTheWayItKnows) {
  start(Side::kHub, Mode::kUndecided);
  say(1, FrameType::kOpen, kOpen);
  for (int i = 0; i < 4; ++i) {
    loop_.advance(15s);
    say(0, FrameType::kPong);
  }
  const auto questions = heard(FrameType::kPing);
  EXPECT_GE(questions.size(), 4U);
  EXPECT_LE(questions.size(), 5U);
  for (const HeardFrame& question : questions) EXPECT_EQ(question.payload, "");
  loop_.advance(44s);
  EXPECT_TRUE(carrier_->running());
  loop_.advance(1s);
  EXPECT_FALSE(carrier_->running());
}

// ---------------------------------------------------------------------------------------------- its streams

struct SourceFailure {
  Side side;
  boost::system::errc::errc_t error;
  Reason reason;
};

class SourceFailureTest : public CarrierFixture, public testing::WithParamInterface<SourceFailure> {};

TEST_P(SourceFailureTest, NamesTheReasonToThePeer) {
  const auto [side, error, reason] = GetParam();
  start(side, Mode::kPenstock);
  if (side == Side::kHub) say(1, FrameType::kOpen, kOpen);
  const auto source = side == Side::kHub ? attach(1) : open();
  source->fail(error);
  loop_.settle();
  EXPECT_EQ(reset_reason(1), reason);
  ASSERT_EQ(owner_.closed.size(), 1U);
  EXPECT_EQ(owner_.closed[0].reason, reason);
  EXPECT_EQ(owner_.closed[0].text, make_error_code(error).message());
  EXPECT_TRUE(carrier_->running());
}

INSTANTIATE_TEST_SUITE_P(
    Table, SourceFailureTest,
    testing::Values(SourceFailure{Side::kEdge, boost::system::errc::connection_reset, PST_R_CLIENT_RESET},
                    SourceFailure{Side::kEdge, boost::system::errc::broken_pipe, PST_R_CLIENT_RESET},
                    SourceFailure{Side::kEdge, boost::system::errc::timed_out, PST_R_CLIENT_VANISHED},
                    SourceFailure{Side::kEdge, boost::system::errc::host_unreachable, PST_R_SOCKET_ERROR},
                    SourceFailure{Side::kHub, boost::system::errc::connection_reset, PST_R_BACKEND_RESET},
                    SourceFailure{Side::kHub, boost::system::errc::timed_out, PST_R_BACKEND_VANISHED}));

TEST_F(CarrierLifeTest, LearnsOfAResetWhileAStreamWaitsForCredit) {
  start(Side::kEdge, Mode::kPenstock);
  const auto client = open();
  client->say(std::string(100'000, 'x'));
  loop_.settle();
  EXPECT_EQ(data_of(1).size(), wire::kInitialCredit);
  client->fail(boost::system::errc::connection_reset);
  loop_.settle();
  EXPECT_EQ(reset_reason(1), PST_R_CLIENT_RESET);
}

TEST_F(CarrierLifeTest, ResetsAStreamThatIsIdleForTooLong) {
  start(Side::kEdge, Mode::kPenstock);
  Flow flow;
  flow.idle = 30s;
  const auto client = std::make_shared<FakePeer>(loop_);
  ASSERT_TRUE(carrier_->open(client->link(), std::move(flow)));
  for (int i = 0; i < 7; ++i) {  // active in either direction is active
    loop_.advance(8s);
    i % 2 == 0 ? client->say("x") : say(1, FrameType::kDataBack, "x");
    say(0, FrameType::kReport, "{}");
  }
  EXPECT_TRUE(owner_.closed.empty());
  for (int i = 0; i < 4; ++i) {
    loop_.advance(8s);
    say(0, FrameType::kReport, "{}");
  }
  EXPECT_EQ(reset_reason(1), PST_R_IDLE_TIMEOUT);
}

TEST_F(CarrierLifeTest, ResetsAHalfClosedStreamThatIsSilentForTooLong) {
  start(Side::kEdge, Mode::kPenstock);
  const auto half = open();
  const auto whole = open();
  half->end();
  loop_.settle();
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(reset_reason(1), PST_R_COMPLETED) << i;
    loop_.advance(9s);
    say(0, FrameType::kReport, "{}");
  }
  EXPECT_EQ(reset_reason(1), PST_R_HALF_CLOSED_TIMEOUT);
  EXPECT_EQ(reset_reason(2), PST_R_COMPLETED);
  EXPECT_FALSE(whole->gone());
}

TEST_F(CarrierLifeTest, CountsIntoTheBookOfTheService) {
  start(Side::kEdge, Mode::kPenstock);
  const auto book = std::make_shared<ServiceBook>();
  Flow flow;
  flow.book = book;
  const auto client = std::make_shared<FakePeer>(loop_);
  ASSERT_TRUE(carrier_->open(client->link(), std::move(flow)));
  client->say("request");
  say(1, FrameType::kDataBack, "an answer");
  carrier_->reset(1, PST_R_SHUTDOWN, {});
  EXPECT_EQ(book->to_backend, 7U);
  EXPECT_EQ(book->to_client, 9U);
  EXPECT_EQ(counters_.bytes_to_backend.get(), 7U);
  EXPECT_EQ(counters_.bytes_to_client.get(), 9U);
  EXPECT_EQ(counters_.flows_opened.get(), 1U);
}

// ---------------------------------------------------------------------------------------------- its end

TEST_F(CarrierLifeTest, TellsThatThePeerEndedTheConnection) {
  start(Side::kEdge, Mode::kPenstock);
  peer_->end();
  loop_.settle();
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(*owner_.ended,
            (std::pair<Reason, std::string>{PST_R_PEER_CLOSED, "the peer ended the connection"}));
}

TEST_F(CarrierLifeTest, TellsWhyTheConnectionBroke) {
  start(Side::kEdge, Mode::kPenstock);
  peer_->fail(boost::system::errc::connection_reset);
  loop_.settle();
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(owner_.ended->first, PST_R_PEER_CLOSED);
  EXPECT_EQ(owner_.ended->second, make_error_code(boost::system::errc::connection_reset).message());
}

TEST_F(CarrierLifeTest, ClosesWithinASecondWhenThePeerTakesNothing) {
  start(Side::kEdge, Mode::kPenstock);
  set_room(0);
  carrier_->go_away({.reason = PST_R_SHUTDOWN});
  carrier_->close(PST_R_SHUTDOWN, "stopped");
  loop_.advance(999ms);
  EXPECT_FALSE(owner_.ended);
  EXPECT_FALSE(peer_->finished());
  loop_.advance(1ms);
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(*owner_.ended, (std::pair<Reason, std::string>{PST_R_SHUTDOWN, "stopped"}));
}

TEST_F(CarrierLifeTest, SendsWhatIsQueuedBeforeItEndsTheLink) {
  start(Side::kEdge, Mode::kPenstock);
  set_room(3);
  carrier_->go_away({.reason = PST_R_SHUTDOWN});
  carrier_->close(PST_R_SHUTDOWN, "stopped");
  loop_.settle();
  EXPECT_FALSE(peer_->finished());
  set_room(SIZE_MAX);
  EXPECT_TRUE(peer_->finished());
  EXPECT_EQ(types(), "GOAWAY");
}

TEST_F(CarrierLifeTest, MayBeDestroyedByItsOwnersLastCall) {
  start(Side::kEdge, Mode::kPenstock);
  const auto client = open();
  owner_.then = [this] { carrier_.reset(); };
  peer_->fail(boost::system::errc::connection_reset);
  loop_.settle();
  EXPECT_EQ(carrier_, nullptr);
  EXPECT_TRUE(peer_->gone());
  EXPECT_TRUE(client->was_reset());
  loop_.advance(60s);  // nothing of it is left on the loop
}

TEST_F(CarrierLifeTest, MayBeDestroyedWithWorkPosted) {
  start(Side::kEdge, Mode::kPenstock);
  const auto client = open();
  client->say("x");
  carrier_->send(FrameType::kPing, {});
  carrier_.reset();
  loop_.advance(60s);
  EXPECT_TRUE(client->gone());
  EXPECT_FALSE(owner_.ended);
}

}  // namespace
}  // namespace penstock
