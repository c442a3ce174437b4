// What a carrier of QUIC makes of streams, datagrams and resets, in every order that they may come in.
#include "unit/tunnel/quic_carrier_fixture.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Ending = FakeOwner::Ending;

constexpr QuicStreamId kFirstFlow = 4;  // the flow that frames call 1

class QuicCarrierTest : public QuicCarrierFixture {
 protected:
  void say_reset(std::uint32_t stream, Reason reason, std::string_view text) {
    const auto payload = to_bytes(ResetMessage{.reason = reason, .text = std::string{text}});
    say_control(stream, FrameType::kReset, as_text(payload));
  }
  /// Opens a flow at the hub, with its first bytes.
  void open_flow(std::string_view bytes = {}) {
    quic_->data(kFirstFlow, open_of_flow().append(bytes));
    end_turn();
  }
};

TEST_F(QuicCarrierTest, OpensAFlowFromAStreamInAnyPieces) {
  start_hub();
  for (const char each : open_of_flow()) {
    EXPECT_TRUE(owner_.opened.empty());
    quic_->data(kFirstFlow, {&each, 1});
  }
  ASSERT_EQ(owner_.opened, std::vector<std::uint32_t>{1});
  quic_->data(kFirstFlow, "before ");
  end_turn();
  const auto backend = attach(1);
  quic_->data(kFirstFlow, "and after", true);
  end_turn();
  EXPECT_EQ(backend->heard(), "before and after");
  EXPECT_TRUE(backend->finished());
  EXPECT_GE(quic_->streams[kFirstFlow].granted, open_of_flow().size());
}

TEST_F(QuicCarrierTest, HoldsWhatComesBeforeItHasItsPlace) {
  start(Side::kHub);
  quic_->data(kFirstFlow, open_of_flow().append("early"));
  quic_->data(2 * kFirstFlow, open_of_flow().substr(0, 5));
  quic_->datagram(head(Type::kOpen) + proxy_header() + "first");
  end_turn();
  EXPECT_TRUE(owner_.opened.empty());
  EXPECT_TRUE(owner_.told.empty());
  carrier_->resume();
  settle();
  EXPECT_EQ(owner_.opened, std::vector<std::uint32_t>{1});
  ASSERT_EQ(owner_.told.size(), 2U);
  EXPECT_EQ(owner_.told[0], (HeardFrame{kSession, FrameType::kUdpOpen, proxy_header()}));
  EXPECT_EQ(owner_.told[1], (HeardFrame{kSession, FrameType::kUdpData, "first"}));
  EXPECT_EQ(owner_.told_by_turn_end, std::vector<std::size_t>{2});
  EXPECT_EQ(attach(1)->heard(), "early");
}

TEST_F(QuicCarrierTest, LetsTheEdgeOpenStreamsFromItsBeginning) {
  auto made = std::make_unique<FakeQuic>(true);
  const FakeQuic& quic = *made;
  const QuicLink link{loop_, std::move(made)};
  EXPECT_FALSE(quic.permits_streams) << "of somebody who has not said who he is";
  start(Side::kHub);
  EXPECT_TRUE(quic_->permits_streams);
}

TEST_F(QuicCarrierTest, BoundsTheDatagramsThatItHolds) {
  start(Side::kHub);
  const std::string each = head(Type::kData) + std::string(1020, 'x');
  for (int i = 0; i < 100; ++i) quic_->datagram(each);
  for (int i = 0; i < 1000; ++i) quic_->datagram("");
  EXPECT_EQ(count(PST_R_MALFORMED), 1000U) << "what has no bytes is not held";
  carrier_->resume();
  settle();
  EXPECT_EQ(owner_.told.size(), 64U);
}

TEST_F(QuicCarrierTest, OpensNothingOnceWhatItHeldHasEndedIt) {
  start(Side::kHub);
  owner_.session_fault = "no such thing";
  const std::string datagram{"\x0c", 1};
  quic_->data(1 * kFirstFlow, datagram + head(Type::kData) + "broken", true);
  quic_->data(2 * kFirstFlow, open_of_flow());
  carrier_->resume();
  settle();
  EXPECT_TRUE(owner_.opened.empty());
  EXPECT_FALSE(carrier_->running());
}

TEST_F(QuicCarrierTest, RefusesStreamsThatBeginWithNothingKnown) {
  start_hub();
  quic_->data(kFirstFlow, "GET / HTTP/1.1");
  quic_->data(2 * kFirstFlow, "", true);
  EXPECT_EQ(quic_->resets[kFirstFlow], PST_R_PROTOCOL_ERROR);
  EXPECT_EQ(quic_->resets[2 * kFirstFlow], PST_R_PROTOCOL_ERROR);
  EXPECT_TRUE(owner_.opened.empty());
}

TEST_F(QuicCarrierTest, RefusesOpensThatAreCutOffOrTooLong) {
  start_hub();
  quic_->data(1 * kFirstFlow, open_of_flow().substr(0, 2), true);
  quic_->data(2 * kFirstFlow, open_of_flow().substr(0, 20), true);
  quic_->data(3 * kFirstFlow, std::string{"\x01\xff\xff", 3});
  for (QuicStreamId i = 1; i <= 3; ++i) EXPECT_EQ(quic_->resets[i * kFirstFlow], PST_R_BAD_OPEN) << i;
  EXPECT_TRUE(owner_.opened.empty());
  EXPECT_EQ(count(PST_R_BAD_OPEN), 3U);
}

TEST_F(QuicCarrierTest, TellsWhatIsWrongWithALine) {
  start_hub();
  quic_->data(kFirstFlow, quic_open("PROXY TCP9 nonsense\r\n"));
  end_turn();
  EXPECT_EQ(quic_->resets[kFirstFlow], PST_R_BAD_OPEN);
  const auto told = control(FrameType::kReset);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].stream, 1U);
  EXPECT_FALSE(parse_reset(as_bytes(told[0].payload)).value().text.empty());
}

TEST_F(QuicCarrierTest, GivesUpAStreamThatNeverSaysWhatItIs) {
  start_hub();
  quic_->data(kFirstFlow, open_of_flow().substr(0, 10));
  loop_.advance(9s);
  EXPECT_FALSE(quic_->resets.contains(kFirstFlow));
  loop_.advance(3s);
  EXPECT_EQ(quic_->resets[kFirstFlow], PST_R_BAD_OPEN);
}

TEST_F(QuicCarrierTest, ForgetsAStreamThatEndsBeforeItSaysWhatItIs) {
  start_hub();
  quic_->data(kFirstFlow, open_of_flow().substr(0, 10));
  quic_->reset(kFirstFlow, PST_R_CLIENT_RESET);
  quic_->close_stream(kFirstFlow);
  end_turn();
  loop_.advance(12s);
  EXPECT_TRUE(quic_->resets.empty());
  EXPECT_TRUE(owner_.opened.empty());
}

TEST_F(QuicCarrierTest, BoundsTheBytesOfStreamsThatAreNotWhole) {
  start_hub();
  const std::string most = std::string{"\x0c", 1} + head(Type::kData) + std::string(65'000, 'x');
  for (QuicStreamId i = 1; i <= 17; ++i) quic_->data(i * kFirstFlow, most);
  EXPECT_EQ(quic_->resets.size(), 1U);
  EXPECT_EQ(quic_->resets[17 * kFirstFlow], PST_R_WINDOW_BUDGET);
  quic_->data(1 * kFirstFlow, "", true);
  quic_->data(18 * kFirstFlow, most);  // there is room again
  EXPECT_FALSE(quic_->resets.contains(18 * kFirstFlow));
}

TEST_F(QuicCarrierTest, TakesALongDatagramFromItsStream) {
  start_hub();
  const std::string payload(65'507, 'p');
  const std::string bytes = std::string{"\x0c", 1} + head(Type::kData) + payload;
  quic_->data(kFirstFlow, std::string_view{bytes}.substr(0, 16'000));
  EXPECT_EQ(quic_->streams[kFirstFlow].granted, 16'000U);
  quic_->data(kFirstFlow, std::string_view{bytes}.substr(16'000), true);
  end_turn();
  ASSERT_EQ(owner_.told.size(), 1U);
  EXPECT_EQ(owner_.told[0], (HeardFrame{kSession, FrameType::kUdpData, payload}));
  EXPECT_TRUE(quic_->streams[kFirstFlow].end_sent);
  EXPECT_EQ(quic_->sent(kFirstFlow), "");
}

TEST_F(QuicCarrierTest, RefusesADatagramThatIsLongerThanAny) {
  start_hub();
  quic_->data(kFirstFlow, std::string{"\x0c", 1} + std::string(wire::kMaxQuicDatagram + 1, 'x'));
  EXPECT_EQ(quic_->resets[kFirstFlow], PST_R_TOO_LARGE);
}

TEST_F(QuicCarrierTest, KeepsTheTextOfAResetThatComesInOneTurnWithThatOfTheStream) {
  start_hub();
  open_flow("data");
  attach(1);
  quic_->reset(kFirstFlow, PST_R_CLIENT_RESET);
  say_reset(1, PST_R_CLIENT_RESET, "went away");
  EXPECT_EQ(owner_.closed, (std::vector<Ending>{{1, PST_R_CLIENT_RESET, "went away"}}));
}

TEST_F(QuicCarrierTest, TakesTheReasonAloneWhenTheTextIsLate) {
  start_hub();
  open_flow();
  const auto backend = attach(1);
  quic_->reset(kFirstFlow, PST_R_IDLE_TIMEOUT);
  end_turn();
  say_reset(1, PST_R_IDLE_TIMEOUT, "late");
  EXPECT_EQ(owner_.closed, (std::vector<Ending>{{1, PST_R_IDLE_TIMEOUT, ""}}));
  EXPECT_EQ(count(PST_R_LATE_FRAME), 0U);
  EXPECT_TRUE(backend->was_reset());
}

TEST_F(QuicCarrierTest, TakesTheTextWhenTheStreamsResetIsLate) {
  start_hub();
  open_flow();
  attach(1);
  say_reset(1, PST_R_CLIENT_VANISHED, "first");
  quic_->reset(kFirstFlow, PST_R_CLIENT_VANISHED);
  quic_->close_stream(kFirstFlow);
  end_turn();
  EXPECT_EQ(owner_.closed, (std::vector<Ending>{{1, PST_R_CLIENT_VANISHED, "first"}}));
  EXPECT_TRUE(control(FrameType::kReset).empty());  // and nothing is said to one who knows
}

TEST_F(QuicCarrierTest, LeavesAFlowUnopenedWhoseResetCameFirst) {
  start_hub();
  say_reset(1, PST_R_CLIENT_RESET, "before it was there");
  EXPECT_EQ(count(PST_R_LATE_FRAME), 0U);
  EXPECT_TRUE(owner_.closed.empty());
}

TEST_F(QuicCarrierTest, DeliversWhatCameInTheTurnOfAReset) {
  start_hub();
  open_flow();
  const auto backend = attach(1);
  quic_->data(kFirstFlow, "last words");
  quic_->reset(kFirstFlow, PST_R_CLIENT_RESET);
  end_turn();
  EXPECT_EQ(backend->heard(), "last words");
  EXPECT_TRUE(backend->was_reset());
}

TEST_F(QuicCarrierTest, ResetsAFlowWhoseBytesStillWait) {
  start_hub();
  open_flow();
  const auto backend = attach(1, 3);
  quic_->data(kFirstFlow, "waiting");
  end_turn();
  EXPECT_EQ(backend->heard(), "wai");
  quic_->reset(kFirstFlow, PST_R_CLIENT_RESET);
  quic_->close_stream(kFirstFlow);
  end_turn();
  EXPECT_EQ(owner_.closed, (std::vector<Ending>{{1, PST_R_CLIENT_RESET, ""}}));
  EXPECT_EQ(backend->heard(), "wai");
  EXPECT_TRUE(backend->was_reset());
}

TEST_F(QuicCarrierTest, CompletesAFlowThatEndedBothWaysWhateverComesLater) {
  start(Side::kEdge);
  const auto client = open();
  client->say("much");
  client->end();
  settle();
  quic_->data(kFirstFlow, "", true);
  end_turn();
  EXPECT_TRUE(client->finished());
  quic_->reset(kFirstFlow, PST_R_BACKEND_RESET);
  quic_->close_stream(kFirstFlow);
  end_turn();
  EXPECT_EQ(owner_.closed, (std::vector<Ending>{{1, PST_R_COMPLETED, ""}}));
}

TEST_F(QuicCarrierTest, DoesNotCompleteAFlowWhoseBytesThePeerDidNotWant) {
  start(Side::kEdge);
  const auto client = open();
  quic_->room = 30;
  client->say(std::string(500, 'x'));
  client->end();
  for (int i = 0; i < 3; ++i) {  // all is read but the end, and little of it sent
    loop_.settle();
    quic_->send(1);
  }
  ASSERT_GT(quic_->streams[kFirstFlow].buffer.unsent_bytes(), 400U);
  ASSERT_FALSE(quic_->streams[kFirstFlow].end_sent);
  quic_->data(kFirstFlow, "", true);
  quic_->reset(kFirstFlow, PST_R_BACKEND_RESET);
  quic_->close_stream(kFirstFlow);
  end_turn();
  EXPECT_EQ(owner_.closed, (std::vector<Ending>{{1, PST_R_BACKEND_RESET, ""}}));
  EXPECT_TRUE(client->was_reset());
}

TEST_F(QuicCarrierTest, FeedsASlowLinkAfterItsStreamIsClosed) {
  start_hub();
  open_flow();
  const auto backend = attach(1, 0);
  backend->end();
  quic_->data(kFirstFlow, std::string(10'000, 'x'), true);
  end_turn();
  quic_->acknowledge(kFirstFlow);
  quic_->close_stream(kFirstFlow);
  settle();
  EXPECT_TRUE(owner_.closed.empty());
  backend->set_room(SIZE_MAX);
  settle();
  EXPECT_EQ(backend->heard(), std::string(10'000, 'x'));
  EXPECT_EQ(owner_.closed, (std::vector<Ending>{{1, PST_R_COMPLETED, ""}}));
}

TEST_F(QuicCarrierTest, GathersForAFlowThatIsStillDialling) {
  start_hub();
  open_flow("one ");
  quic_->data(kFirstFlow, "two ");
  end_turn();
  quic_->data(kFirstFlow, "three", true);
  end_turn();
  const auto backend = attach(1, 5);
  EXPECT_EQ(backend->heard(), "one t");
  EXPECT_FALSE(backend->finished());
  backend->set_room(SIZE_MAX);
  settle();
  EXPECT_EQ(backend->heard(), "one two three");
  EXPECT_TRUE(backend->finished());
}

TEST_F(QuicCarrierTest, DropsDatagramsThatCannotBeRead) {
  start_hub();
  quic_->datagram("abc");
  quic_->datagram(std::string{"\xc0\x00\x00\x07", 4});
  quic_->datagram(head(Type::kOpen) + "no header");
  quic_->datagram(head(Type::kFragment));
  end_turn();
  EXPECT_TRUE(owner_.told.empty());
  EXPECT_EQ(count(PST_R_MALFORMED), 4U);
  EXPECT_TRUE(carrier_->running());
  for (const LedgerRow& row : ledger_.rows()) EXPECT_TRUE(row.balances());
}

TEST_F(QuicCarrierTest, DropsAFragmentOfFragments) {
  start_hub();
  const auto first = quic_fragment_head(kSession, {.number = 1, .index = 0, .count = 2, .part = {}});
  const auto second = quic_fragment_head(kSession, {.number = 1, .index = 1, .count = 2, .part = {}});
  quic_->datagram(std::string{as_text(first)} + head(Type::kFragment));
  quic_->datagram(std::string{as_text(second)} + std::string{"\x00\x02\x00\x02x", 5});
  end_turn();
  EXPECT_EQ(count(PST_R_MALFORMED), 1U);
  EXPECT_TRUE(owner_.told.empty());
}

TEST_F(QuicCarrierTest, LetsOnlyAnEdgeOpenSessions) {
  start(Side::kEdge);
  quic_->datagram(head(Type::kOpen) + proxy_header() + "from a hub?");
  quic_->datagram(head(Type::kData) + "an answer");
  end_turn();
  EXPECT_EQ(count(PST_R_MALFORMED), 1U);
  ASSERT_EQ(owner_.told.size(), 1U);
  EXPECT_EQ(owner_.told[0], (HeardFrame{kSession, FrameType::kUdpDataBack, "an answer"}));
}

/// Packets come in all the time, and with them nothing that was said.
TEST_F(QuicCarrierTest, EndsAPeerThatOnlyAcknowledges) {
  start_hub();
  for (int i = 0; i < 59; ++i) {
    loop_.advance(1s);
    end_turn();
  }
  EXPECT_TRUE(carrier_->running());
  loop_.advance(2s);
  EXPECT_FALSE(carrier_->running());
  settle();
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(owner_.ended->first, PST_R_PEER_SILENT);
}

TEST_F(QuicCarrierTest, KeepsAPeerThatPermitsMore) {
  start_hub();
  quic_->data(kFirstFlow, open_of_flow());
  for (int i = 0; i < 10; ++i) {
    loop_.advance(50s);
    quic_->credit(kFirstFlow, 1);
    end_turn();
  }
  EXPECT_TRUE(carrier_->running());
}

TEST_F(QuicCarrierTest, EndsWhenFlowsTravelOnTheControlStream) {
  start_hub();
  say_control(1, FrameType::kOpen, kOpen);
  loop_.advance(2s);
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(owner_.ended->first, PST_R_PROTOCOL_ERROR);
}

}  // namespace
}  // namespace penstock
