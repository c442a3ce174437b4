// What a carrier of QUIC sends: flows, datagrams whole, in fragments and in streams of their own.
#include "tunnel/fragment_assembler.h"
#include "unit/tunnel/quic_carrier_fixture.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Ending = FakeOwner::Ending;

constexpr QuicStreamId kFlow = 4;
constexpr QuicStreamId kOther = 8;

class QuicCarrierSendingTest : public QuicCarrierFixture {
 protected:
  /// What the datagrams that were sent say, fragments put together.
  std::vector<std::string> whole_datagrams() const {
    std::vector<std::string> out;
    FragmentAssembler assembler;
    for (const std::string& each : quic_->datagrams) {
      const auto datagram = parse_quic_datagram(as_bytes(each)).value();
      if (datagram.type != Type::kFragment) {
        out.push_back(each);
        continue;
      }
      const Bytes whole =
          assembler.take(datagram.session, parse_quic_fragment(datagram.rest).value(), Time{1h});
      if (!whole.empty()) out.emplace_back(as_text(whole));
    }
    return out;
  }
  bool send_datagram(std::string_view payload) {
    return carrier_->send_datagram(FrameType::kUdpData, kSession, as_bytes(payload), line());
  }
  /// Two flows whose clients have much to say, and were not asked yet.
  std::array<std::shared_ptr<FakePeer>, 2> open_two_busy() {
    std::array clients{open(), open()};
    settle();
    for (const auto& client : clients) client->say(std::string(100'000, 'x'));
    loop_.settle();
    return clients;
  }
  std::vector<QuicStreamId> streams() const {
    std::vector<QuicStreamId> out;
    for (const auto& [id, _] : quic_->streams) {
      if (id != 0) out.push_back(id);
    }
    return out;
  }
};

TEST_F(QuicCarrierSendingTest, SendsAFlowAndItsEnd) {
  start(Side::kEdge);
  const auto client = open();
  client->say("question");
  client->end();
  settle();
  EXPECT_EQ(quic_->sent(kFlow), open_of_flow() + "question");
  EXPECT_TRUE(quic_->streams[kFlow].end_sent);
  quic_->data(kFlow, "answer", true);
  end_turn();
  EXPECT_EQ(client->heard(), "answer");
  EXPECT_TRUE(client->finished());
  EXPECT_EQ(owner_.closed, (std::vector<Ending>{{1, PST_R_COMPLETED, ""}}));
}

TEST_F(QuicCarrierSendingTest, ReadsNoMoreThanThePeerPermits) {
  start(Side::kEdge);
  const auto client = open();
  settle();
  quic_->streams[kFlow].credit = 1000;
  client->say(std::string(5000, 'x'));
  settle();
  EXPECT_EQ(client->unread(), 4000U);
  quic_->credit(kFlow, 500);
  settle();
  EXPECT_EQ(client->unread(), 3500U);
}

TEST_F(QuicCarrierSendingTest, ResetsWithReasonAndText) {
  start(Side::kEdge);
  const auto client = open();
  client->fail(boost::system::errc::connection_reset);
  settle();
  EXPECT_EQ(quic_->resets[kFlow], PST_R_CLIENT_RESET);
  const auto told = control(FrameType::kReset);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].stream, 1U);
  EXPECT_EQ(parse_reset(as_bytes(told[0].payload)).value().reason, PST_R_CLIENT_RESET);
}

TEST_F(QuicCarrierSendingTest, OpensNoMoreStreamsThanThePeerPermits) {
  start(Side::kEdge);
  quic_->streams_left = 0;
  auto client = std::make_shared<FakePeer>(loop_);
  EXPECT_FALSE(carrier_->open(client->link(), {}));
  settle();
  EXPECT_TRUE(client->was_reset());
  EXPECT_EQ(carrier_->streams(), 0U);
  EXPECT_FALSE(send_datagram(std::string(60'000, 'x')));
}

TEST_F(QuicCarrierSendingTest, SendsDatagramsOfEverySizeWhole) {
  start(Side::kEdge);
  const std::size_t longest = 4 * (quic_->room - wire::kQuicFragmentHead) - wire::kQuicDatagramHead;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, quic_->room - 4, quic_->room - 3,
                                 std::size_t{2380}, std::size_t{2381}, std::size_t{4000}, longest}) {
    quic_->datagrams.clear();
    const std::string payload(size, 'p');
    ASSERT_TRUE(send_datagram(payload));
    settle();
    EXPECT_EQ(whole_datagrams(), std::vector<std::string>{head(Type::kData) + payload}) << size;
    EXPECT_LE(quic_->datagrams.size(), wire::kMaxQuicFragments);
  }
  EXPECT_TRUE(streams().empty());
  ASSERT_TRUE(send_datagram(std::string(longest + 1, 'p')));
  EXPECT_EQ(streams().size(), 1U);
}

TEST_F(QuicCarrierSendingTest, OpensASessionInFragmentsToo) {
  start(Side::kEdge);
  const std::string payload(1190, 'p');
  ASSERT_TRUE(carrier_->open_session(kSession, as_bytes(proxy_header()), as_bytes(payload), line()));
  settle();
  EXPECT_EQ(whole_datagrams(), std::vector<std::string>{head(Type::kOpen) + proxy_header() + payload});
  EXPECT_EQ(quic_->datagrams.size(), 2U);
}

TEST_F(QuicCarrierSendingTest, GivesALongDatagramAStreamOfItsOwn) {
  start_hub();
  const std::string payload(65'507, 'p');
  ASSERT_TRUE(send_datagram(payload));
  EXPECT_FALSE(send_datagram(payload + "p"));
  settle();
  EXPECT_EQ(quic_->sent(1), "\x0c" + head(Type::kData) + payload);
  EXPECT_TRUE(quic_->streams[1].end_sent);
  EXPECT_EQ(line().sent.get(), 1U);
  EXPECT_EQ(line().held.get(), 0U);
}

TEST_F(QuicCarrierSendingTest, LeavesABlockedLongDatagramUntilThereIsCredit) {
  start_hub();
  ASSERT_TRUE(send_datagram(std::string(65'000, 'a')));
  ASSERT_TRUE(send_datagram(std::string(65'000, 'b')));
  quic_->streams[1].credit = 16'384;
  quic_->streams[5].credit = 1 << 20;
  settle();
  EXPECT_EQ(quic_->sent(1).size(), 16'384U);
  EXPECT_TRUE(quic_->streams[5].end_sent);  // one that is blocked stops no other
  quic_->credit(1, 1 << 20);
  settle();
  EXPECT_TRUE(quic_->streams[1].end_sent);
}

TEST_F(QuicCarrierSendingTest, BoundsLongDatagramsThatAreNotSent) {
  start_hub();
  int queued = 0;
  while (queued < 100 && send_datagram(std::string(65'000, 'x'))) ++queued;
  EXPECT_EQ(queued, 16);
  settle();
  EXPECT_TRUE(send_datagram(std::string(65'000, 'x')));
}

TEST_F(QuicCarrierSendingTest, BoundsLongDatagramsThatThePeerDoesNotPermit) {
  start_hub();
  for (int i = 0; i < 100; ++i) {
    send_datagram(std::string(65'000, 'x'));
    for (const QuicStreamId id : streams()) quic_->streams[id].credit = 0;
    settle();
  }
  EXPECT_EQ(streams().size(), 16U);
  for (const QuicStreamId id : streams()) {  // all were refused
    quic_->reset(id, PST_R_WINDOW_BUDGET);
    quic_->close_stream(id);
  }
  end_turn();
  EXPECT_TRUE(send_datagram(std::string(65'000, 'x')));
}

TEST_F(QuicCarrierSendingTest, ForgetsTheBytesOfStreamsThatWereRefused) {
  start(Side::kEdge);
  const auto client = open();
  quic_->streams_left = SIZE_MAX;
  for (int i = 0; i < 1100; ++i) {  // more than is buffered at most
    ASSERT_TRUE(send_datagram(std::string(65'000, 'x')));
    settle();
    const QuicStreamId id = streams().back();
    quic_->reset(id, PST_R_WINDOW_BUDGET);
    quic_->close_stream(id);
  }
  client->say("still read");
  settle();
  EXPECT_EQ(quic_->sent(kFlow), open_of_flow() + "still read");
}

TEST_F(QuicCarrierSendingTest, ReadsOthersAgainWhenTheFlowWithAllTheBytesIsReset) {
  start(Side::kEdge);
  const auto greedy = open();
  const auto other = open();
  settle();
  quic_->streams[kFlow].credit = 1ULL << 40;
  const std::string piece(64 << 10, 'x');
  for (int i = 0; i < 1100 && greedy->unread() == 0; ++i) {  // none of it is acknowledged
    greedy->say(piece);
    loop_.settle();
    quic_->send();
  }
  ASSERT_GT(greedy->unread(), 0U);
  quic_->acknowledge(2 * kFlow);
  other->say("starved");
  settle();
  EXPECT_EQ(quic_->sent(2 * kFlow), open_of_flow());
  greedy->fail(boost::system::errc::connection_reset);
  settle();
  EXPECT_EQ(quic_->sent(2 * kFlow), open_of_flow() + "starved");
}

TEST_F(QuicCarrierSendingTest, LosesADatagramForWhichThePathBecameTooNarrow) {
  start(Side::kEdge);
  ASSERT_TRUE(send_datagram(std::string(4000, 'x')));
  loop_.settle();
  quic_->send(2);
  ASSERT_EQ(quic_->datagrams.size(), 2U);
  quic_->room = 600;
  ASSERT_TRUE(send_datagram("next"));
  settle();
  EXPECT_EQ(whole_datagrams(), std::vector<std::string>{head(Type::kData) + "next"});
}

TEST_F(QuicCarrierSendingTest, AccountsForWhatWaitsWhenItCloses) {
  start(Side::kEdge);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(send_datagram(std::string(1000, 'x')));
  ASSERT_TRUE(send_datagram(std::string(60'000, 'x')));
  loop_.settle();
  quic_->send(3);
  carrier_->close(PST_R_SHUTDOWN, "bye");
  EXPECT_FALSE(send_datagram("too late"));
  loop_.advance(2s);
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(line().held.get(), 0U);
  EXPECT_EQ(line().sent.get() + line().dropped[PST_R_TUNNEL_LOST].get(), 11U);
  EXPECT_GT(line().dropped[PST_R_TUNNEL_LOST].get(), 0U);
}

TEST_F(QuicCarrierSendingTest, TakesTurnsBetweenFlowsAndDatagrams) {
  start(Side::kEdge);
  const auto client = open();
  client->say(std::string(100'000, 'x'));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(send_datagram(std::string(1000, 'd')));
  loop_.settle();
  quic_->send(60);
  EXPECT_NEAR(static_cast<double>(quic_->sent(kFlow).size()),
              static_cast<double>(quic_->datagrams.size() * 1004), 4000);
}

TEST_F(QuicCarrierSendingTest, LetsAFlowSay60KiBInATurn) {
  start(Side::kEdge);
  const auto clients = open_two_busy();
  quic_->send(1);
  const int turns = quic_->turns;
  quic_->send(49);  // packets, which are less than a turn
  EXPECT_EQ(quic_->turns, turns);
  EXPECT_EQ(quic_->sent(kFlow).size(), 50 * quic_->room + open_of_flow().size());
  EXPECT_EQ(quic_->sent(kOther), open_of_flow());
  quic_->send(50);  // the other's turn, but for the first one's last packet
  EXPECT_EQ(quic_->turns, turns + 1);
  EXPECT_LE(quic_->sent(kFlow).size(), (60U << 10) + quic_->room + open_of_flow().size());
  EXPECT_EQ(quic_->sent(kFlow).size() + quic_->sent(kOther).size(),
            100 * quic_->room + 2 * open_of_flow().size());
}

TEST_F(QuicCarrierSendingTest, LetsAFlowSayLessInATurnWhereThePathIsSlow) {
  start(Side::kEdge);
  quic_->bytes_a_second = 8'000'000;
  end_turn();
  const auto clients = open_two_busy();
  quic_->send(6);  // packets, which are less than a turn of 8000 bytes
  EXPECT_EQ(quic_->sent(kFlow).size(), 6 * quic_->room + open_of_flow().size());
  quic_->send(6);  // the other's turn, but for the first one's last packet
  EXPECT_LE(quic_->sent(kFlow).size(), 8000 + quic_->room + open_of_flow().size());
  EXPECT_EQ(quic_->sent(kFlow).size() + quic_->sent(kOther).size(),
            12 * quic_->room + 2 * open_of_flow().size());
}

TEST_F(QuicCarrierSendingTest, ReadsNoMoreOfAFlowThanItsTurn) {
  start(Side::kEdge);
  quic_->bytes_a_second = 8'000'000;
  end_turn();
  const auto clients = open_two_busy();
  quic_->send(12);
  ASSERT_GT(quic_->sent(kOther).size(), open_of_flow().size());
  EXPECT_LE(quic_->streams[kFlow].buffer.size(), 8000 + open_of_flow().size());
  EXPECT_LE(quic_->streams[kOther].buffer.size(), 8000 + open_of_flow().size());
}

TEST_F(QuicCarrierSendingTest, BeginsATurnWithTheNextRunWhereThePacketSaysSo) {
  start(Side::kEdge);
  const auto clients = open_two_busy();
  quic_->send(50);  // packets, which are less than a turn
  quic_->turns_may_begin = false;
  quic_->send(50);
  EXPECT_GT(quic_->sent(kFlow).size(), 50 * quic_->room + open_of_flow().size());
  EXPECT_EQ(quic_->sent(kOther), open_of_flow());
  quic_->flush_soon();
  quic_->send(1);
  EXPECT_EQ(quic_->sent(kOther).size(), quic_->room + open_of_flow().size());
}

/// Of credit for the connection nobody is told.
TEST_F(QuicCarrierSendingTest, OffersTheControlStreamAgainThatHadNoCredit) {
  start(Side::kEdge);
  settle();
  const std::size_t before = quic_->sent(0).size();
  const std::uint64_t credit = std::exchange(quic_->streams[0].credit, 0);
  carrier_->ask();
  settle();
  ASSERT_EQ(quic_->sent(0).size(), before);
  quic_->streams[0].credit = credit;
  const auto client = open();  // something else to send
  client->say("x");
  settle();
  EXPECT_GT(quic_->sent(0).size(), before);
  EXPECT_EQ(quic_->sent(kFlow), open_of_flow() + "x");
}

TEST_F(QuicCarrierSendingTest, EndsWithItsConnection) {
  start(Side::kEdge);
  const auto client = open();
  settle();
  quic_->fail(error(Errc::kUnavailable, "gone"), PST_R_SHUTDOWN);
  settle();
  EXPECT_EQ(owner_.ended, std::make_pair(PST_R_PEER_CLOSED, std::string{"gone: shutdown"}));
  EXPECT_TRUE(client->was_reset());
  EXPECT_EQ(owner_.closed.size(), 1U);
}

TEST_F(QuicCarrierSendingTest, KnowsASilentPeerByWhatQuicSays) {
  start(Side::kEdge);
  quic_->fail({make_error_code(boost::system::errc::timed_out), "the peer is silent"}, 0);
  settle();
  EXPECT_EQ(owner_.ended, std::make_pair(PST_R_PEER_SILENT, std::string{"the peer is silent"}));
}

}  // namespace
}  // namespace penstock
