// How a carrier sends datagrams: their queue, and its turns with streams and control frames.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/tunnel/carrier_fixture.h"

namespace penstock {
namespace {

using testing::IsEmpty;

constexpr std::size_t kRecord = 16384 + wire::kHeaderSize;  // most that goes out in one write

/// With a bulk stream and datagrams, in either direction.
class CarrierTurnsTest : public CarrierFixture {
 protected:
  void start_hub() {
    start(Side::kHub, Mode::kUndecided);
    say(0, FrameType::kHello, "hello");
    type_ = FrameType::kUdpDataBack;
  }
  void start_edge() { start(Side::kEdge, Mode::kPenstock); }
  void start(Side side) {
    if (side == Side::kEdge) return start_edge();
    start_hub();
  }
  using CarrierFixture::start;

  bool send(std::string_view payload) {
    return carrier_->send_datagram(type_, kSession, as_bytes(payload), line_);
  }
  /// As many as the queue takes.
  std::size_t send_all(std::size_t size) {
    std::size_t sent = 0;
    while (send(std::string(size, 'd'))) ++sent;
    return sent;
  }
  /// Stream 1, with credit for a million bytes and as many to send.
  std::shared_ptr<FakePeer> bulk() {
    const bool edge = type_ == FrameType::kUdpData;
    if (!edge) say(1, FrameType::kOpen, kOpen);
    auto source = edge ? open() : attach(1);
    grant(1, edge ? FrameType::kWindowUpdateBack : FrameType::kWindowUpdate, 1'000'000);
    source->say(std::string(1'000'000, 's'));
    loop_.settle();
    return source;
  }
  std::size_t datagrams_heard() const { return heard(type_).size(); }
  std::size_t bytes_heard(bool datagrams) const {
    std::size_t bytes = 0;
    for (const HeardFrame& each : heard()) {
      if (is_udp(each.type) == datagrams) bytes += each.payload.size();
    }
    return bytes;
  }
  std::uint64_t lost() const { return line_.dropped[PST_R_TUNNEL_LOST].get(); }

  FrameType type_ = FrameType::kUdpData;
  LedgerLine line_;
};

TEST_F(CarrierTurnsTest, SendsDatagramsInOrder) {
  start_edge();
  EXPECT_TRUE(carrier_->open_session(kSession, as_bytes(std::string(28, 'p')), as_bytes("first"), line_));
  EXPECT_TRUE(send("second"));
  EXPECT_TRUE(send(""));
  EXPECT_EQ(line_.held.get(), 3U);
  loop_.settle();
  using enum FrameType;
  EXPECT_EQ(heard(), (std::vector<HeardFrame>{{kSession, kUdpOpen, std::string(28, 'p')},
                                              {kSession, kUdpData, "first"},
                                              {kSession, kUdpData, "second"},
                                              {kSession, kUdpData, ""}}));
  EXPECT_EQ(line_.held.get(), 0U);
  EXPECT_EQ(line_.sent.get(), 3U);
  EXPECT_EQ(line_.sent_bytes.get(), 11U);
}

TEST_F(CarrierTurnsTest, PutsFramesOfControlBeforeDatagramsThatWait) {
  start_hub();
  ASSERT_TRUE(send("datagram"));
  carrier_->send_session(FrameType::kUdpOpenAck, kSession, {});
  carrier_->send_session(FrameType::kUdpClose, kSession + 1, {});
  carrier_->send_session(FrameType::kReset, kSession + 2, to_bytes(ResetMessage{PST_R_BAD_OPEN, "no"}));
  loop_.settle();
  EXPECT_EQ(types(), "UDP_OPEN_ACK UDP_CLOSE RESET UDP_DATA_BACK");
  EXPECT_EQ(heard()[1].stream, kSession + 1);
  EXPECT_EQ(reset_reason(kSession + 2), PST_R_BAD_OPEN);
}

TEST_F(CarrierTurnsTest, CutsALargeDatagramAndPutsNothingIntoIt) {
  start_edge();
  bulk();
  set_room(0);
  std::string large(wire::kMaxDatagram, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7 / 3);
  ASSERT_TRUE(send(large));
  ASSERT_TRUE(send("behind"));
  for (int i = 0; i < 300; ++i) {  // questions come in the middle of it
    say(0, FrameType::kPing, "question");
    set_room(1000);
  }
  set_room(SIZE_MAX);
  const auto datagrams = heard(FrameType::kUdpData);
  ASSERT_EQ(datagrams.size(), 2U);
  EXPECT_EQ(datagrams[0].payload, large);
  EXPECT_EQ(datagrams[1].payload, "behind");
  EXPECT_EQ(heard(FrameType::kPong).size(), 300U);
  EXPECT_EQ(data_of(1), std::string(1'000'000, 's'));
  EXPECT_EQ(line_.sent_bytes.get(), large.size() + 6);
}

// ---------------------------------------------------------------------------------------------- the bound

TEST_F(CarrierTurnsTest, TakesNoMoreThanItsQueueHolds) {
  datagram_queue_ = 10'000;
  start_edge();
  set_room(0);
  EXPECT_EQ(send_all(975), 10U);  // with its header and the queue's own note each has 1000
  EXPECT_EQ(line_.held.get(), 10U);
  EXPECT_EQ(line_.held_bytes.get(), 9750U);
  EXPECT_EQ(line_.dropped_bytes.get(), 0U);  // refusals are the caller's to count
  set_room(SIZE_MAX);
  EXPECT_EQ(datagrams_heard(), 10U);
  EXPECT_EQ(line_.held_bytes.get(), 0U);
  EXPECT_TRUE(send("there is room again"));
}

TEST_F(CarrierTurnsTest, OpensASessionWithItsDatagramOrNotAtAll) {
  datagram_queue_ = 1000;
  start_edge();
  set_room(0);
  ASSERT_TRUE(send(std::string(875, 'd')));  // leaves 100: enough for a datagram of 75
  const std::string header(wire::kMaxUdpOpen, 'p');
  EXPECT_FALSE(carrier_->open_session(kSession, as_bytes(header), as_bytes(std::string(20, 'd')), line_));
  EXPECT_EQ(line_.held.get(), 1U);
  set_room(SIZE_MAX);
  EXPECT_EQ(types(), "UDP_DATA");
}

TEST_F(CarrierTurnsTest, BoundsAFloodOfOpens) {
  datagram_queue_ = 10'000;
  start_edge();
  set_room(0);
  std::size_t opened = 0;
  while (carrier_->open_session(kSession, as_bytes(std::string(28, 'p')), {}, line_)) ++opened;
  EXPECT_EQ(opened, 10'000U / (16 + 9 + 28 + 9));
}

// ---------------------------------------------------------------------------------------------- the end

TEST_F(CarrierTurnsTest, CountsWhatItCouldNotSendAsLost) {
  start_edge();
  set_room(100'000);
  const std::size_t queued = send_all(20'000);
  loop_.settle();
  ASSERT_GT(line_.held.get(), 0U);
  const std::size_t sent = line_.sent.get();
  EXPECT_GE(sent, 4U);
  EXPECT_LE(sent, 5U);
  peer_->fail(boost::system::errc::connection_reset);
  loop_.settle();
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(line_.held.get(), 0U);
  EXPECT_EQ(line_.held_bytes.get(), 0U);
  EXPECT_EQ(line_.sent.get(), sent);
  EXPECT_EQ(lost(), queued - sent);
  EXPECT_EQ(line_.dropped_bytes.get(), (queued - sent) * 20'000);
}

TEST_F(CarrierTurnsTest, CountsWhatItHoldsAsLostWhenItIsDestroyed) {
  start_edge();
  set_room(0);
  const std::size_t queued = send_all(20'000);
  carrier_.reset();
  EXPECT_EQ(line_.held.get(), 0U);
  EXPECT_EQ(line_.sent.get() + lost(), queued);
  EXPECT_GT(lost(), 0U);
}

TEST_F(CarrierTurnsTest, SendsWhatIsQueuedWhenItEndsInOrder) {
  start_edge();
  set_room(0);
  const std::size_t queued = send_all(50'000);
  loop_.settle();
  carrier_->go_away({.reason = PST_R_SHUTDOWN, .retry_after = {}, .text = {}});
  carrier_->close(PST_R_SHUTDOWN, {});
  EXPECT_FALSE(send("too late"));
  EXPECT_FALSE(carrier_->open_session(kSession, as_bytes(std::string(28, 'p')), {}, line_));
  carrier_->send_session(FrameType::kUdpClose, kSession, {});
  set_room(SIZE_MAX);
  EXPECT_EQ(datagrams_heard(), queued);
  EXPECT_EQ(line_.sent.get(), queued);
  EXPECT_EQ(heard(FrameType::kGoAway).size(), 1U);
  EXPECT_THAT(heard(FrameType::kUdpClose), IsEmpty());
  EXPECT_TRUE(peer_->finished());
}

TEST_F(CarrierTurnsTest, WaitsForAPeerThatTakesNothingNoLongerThanForAnyEnd) {
  start_edge();
  set_room(0);
  const std::size_t queued = send_all(50'000);
  loop_.settle();
  carrier_->close(PST_R_SHUTDOWN, {});
  loop_.advance(std::chrono::seconds{1});
  ASSERT_TRUE(owner_.ended);
  EXPECT_EQ(line_.held.get(), 0U);
  EXPECT_EQ(lost(), queued);
}

// ---------------------------------------------------------------------------------------------- turns

struct Share {
  Side side;
  std::size_t size;  // of each datagram
};

class ShareTest : public CarrierTurnsTest, public testing::WithParamInterface<Share> {
 protected:
  /// Frames of datagrams with their headers, as the turns count them.
  std::size_t share_of_datagrams() const { return bytes_heard(true) + wire::kHeaderSize * datagrams_heard(); }
};

TEST_P(ShareTest, GivesStreamsAndDatagramsHalfOfAnyFewRecords) {
  const auto [side, size] = GetParam();
  start(side);
  set_room(0);
  bulk();
  send_all(size);
  for (std::size_t i = 1; i <= 12; ++i) {
    set_room(8 * kRecord);
    send_all(size);
    const std::size_t half = i * 4 * kRecord;
    const std::size_t slack = 3 * kRecord + size;  // a record being written, a frame of either ahead
    EXPECT_GE(bytes_heard(false) + slack, half) << i;
    EXPECT_GE(share_of_datagrams() + slack, half) << i;
  }
}

TEST_P(ShareTest, GivesAStreamItsHalfWhenDatagramsComeJustInTime) {
  const auto [side, size] = GetParam();
  start(side);
  set_room(0);
  bulk();
  for (std::size_t i = 1; i <= 60; ++i) {
    for (std::size_t queued = 0; queued < kRecord; queued += size + wire::kHeaderSize)
      send(std::string(size, 'd'));
    set_room(kRecord);
  }
  EXPECT_GE(bytes_heard(false) + 3 * kRecord + size, 30 * kRecord);
}

TEST_P(ShareTest, LetsASmallRequestPassAtOnce) {
  const auto [side, size] = GetParam();
  start(side);
  const auto source = bulk();
  EXPECT_EQ(data_of(1).size(), 1'000'000U);
  set_room(0);
  send_all(size);
  set_room(2 * kRecord + 2 * size);
  grant(1, side == Side::kEdge ? FrameType::kWindowUpdateBack : FrameType::kWindowUpdate, 100'000);
  source->say("request");
  loop_.settle();
  send_all(size);
  set_room(2 * kRecord + 2 * size);
  EXPECT_TRUE(data_of(1).ends_with("request"));
  EXPECT_GT(line_.held.get(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Table, ShareTest,
                         testing::Values(Share{Side::kEdge, 60}, Share{Side::kEdge, 1400},
                                         Share{Side::kEdge, 65'507}, Share{Side::kHub, 60},
                                         Share{Side::kHub, 1400}, Share{Side::kHub, 9000},
                                         Share{Side::kHub, 16'375}, Share{Side::kHub, 65'507}),
                         [](const auto& param) {
                           return (param.param.side == Side::kEdge ? "Edge" : "Hub") +
                                  std::to_string(param.param.size);
                         });

}  // namespace
}  // namespace penstock
