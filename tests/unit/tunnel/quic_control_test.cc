// Control frames over QUIC that the peer does not take.
#include "unit/tunnel/quic_carrier_fixture.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

class FullControlTest : public QuicCarrierFixture {
 protected:
  /// Of sessions that are open: 9 bytes each, which the peer leaves where they are.
  void queue_control(std::uint32_t frames) {
    for (std::uint32_t i = 0; i < frames; ++i) carrier_->acknowledge_session(wire::kSessionBit | i);
    settle();
  }
};

TEST_F(FullControlTest, GrantsRoomForBurstsOnceThePeerIsKnown) {
  start_hub();
  EXPECT_EQ(quic_->streams[0].granted, 256U << 10);
}

TEST_F(FullControlTest, OpensNoSessionsMeanwhile) {
  start_hub();
  queue_control(100'000);
  quic_->datagram(head(Type::kOpen) + proxy_header() + "first");
  quic_->datagram(head(Type::kData) + "of one that is open");
  end_turn();
  ASSERT_EQ(owner_.told.size(), 1U);
  EXPECT_EQ(owner_.told[0].type, FrameType::kUdpData);
  EXPECT_EQ(count(PST_R_QUEUE_FULL), 1U);
}

TEST_F(FullControlTest, IsGivenUpHoweverMuchElseThePeerSays) {
  start_hub();
  queue_control(100'000);
  for (int i = 0; i < 59 && carrier_->running(); ++i) {
    quic_->datagram(head(Type::kData) + "busy");
    end_turn();
    loop_.advance(1s);
  }
  EXPECT_TRUE(carrier_->running());
  loop_.advance(3s);
  EXPECT_FALSE(carrier_->running());
  EXPECT_EQ(count(PST_R_PEER_SILENT), 1U);
}

TEST_F(FullControlTest, IsGivenUpBeforeItTakesMoreThanItMay) {
  start_hub();
  queue_control(4'000'000);
  EXPECT_FALSE(carrier_->running());
  EXPECT_EQ(count(PST_R_PEER_SILENT), 1U);
}

TEST_F(FullControlTest, HoldsUpNothingElse) {
  start(Side::kEdge);
  queue_control(100'000);
  ASSERT_TRUE(carrier_->send_datagram(FrameType::kUdpData, kSession, as_bytes("hello"), line()));
  settle();
  EXPECT_EQ(quic_->datagrams.size(), 1U);
}

}  // namespace
}  // namespace penstock
