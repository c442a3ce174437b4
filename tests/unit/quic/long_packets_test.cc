// When a path is taken for one that swallows long packets.
#include "quic/long_packets.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Witness = LongPackets::Witness;

Witness stream(std::uint64_t id, std::uint64_t bytes) {
  return {.kind = Witness::Kind::kStream, .id = id, .bytes = bytes};
}
Witness datagrams(std::uint64_t number) {
  return {.kind = Witness::Kind::kDatagrams, .id = number, .bytes = 0};
}

class LongPacketsTest : public testing::Test {
 protected:
  /// Whether long packets are forbidden once one more was sent.
  bool forbidden_after(Duration pause, const std::optional<Witness>& witness, Duration timeout = 50ms) {
    now_ += pause;
    packets.sent(now_, timeout, witness);
    return packets.forbidden(now_);
  }
  /// Long packets fail, and are forbidden for that long, though what they carried arrives in short ones.
  void expect_rest(Duration rest) {
    bool forbidden = false;
    for (int i = 0; i < 10 && !forbidden; ++i) forbidden = forbidden_after(100ms, stream(4, 1000));
    EXPECT_TRUE(forbidden);
    packets.stream_acknowledged(4, 1000);
    EXPECT_TRUE(forbidden_in(rest - 1ms));
    EXPECT_FALSE(forbidden_in(rest));
    EXPECT_FALSE(forbidden_after(rest, stream(4, 1000)));
  }
  bool forbidden_in(Duration pause) { return packets.forbidden(now_ + pause); }

  LongPackets packets;

 private:
  Time now_{1h};
};

TEST_F(LongPacketsTest, AreForbiddenAfterThreeTimeouts) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(forbidden_after(150ms, stream(4, 1000), 200ms)) << i;
  EXPECT_FALSE(forbidden_after(149ms, {}, 200ms));
  EXPECT_TRUE(forbidden_after(1ms, {}, 200ms));
}

TEST_F(LongPacketsTest, AreNotForbiddenTooSoonOnAShortPath) {
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(forbidden_after(10ms, stream(4, 1000), 1ms)) << i;
  EXPECT_TRUE(forbidden_after(10ms, {}, 1ms));
}

TEST_F(LongPacketsTest, AreForbiddenOnlyWhenThereWereSeveral) {
  EXPECT_FALSE(forbidden_after(0ms, stream(4, 1000)));
  EXPECT_FALSE(forbidden_after(399ms, {}));
  EXPECT_FALSE(forbidden_after(399ms, {}));
  EXPECT_TRUE(forbidden_after(1ms, {}));
}

TEST_F(LongPacketsTest, AreNotForbiddenWhereNoneWasExpectedForAWhile) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(forbidden_after(420ms, datagrams(10)));
    for (int j = 0; j < 8; ++j) EXPECT_FALSE(forbidden_after(1ms, datagrams(20)));
  }
}

TEST_F(LongPacketsTest, AreForbiddenWhereProbesBecomeRare) {
  EXPECT_FALSE(forbidden_after(0ms, stream(4, 1000), 26ms));
  for (Duration pause = 26ms; pause < 400ms; pause *= 2) EXPECT_FALSE(forbidden_after(pause, {}, 26ms));
  EXPECT_TRUE(forbidden_after(416ms, {}, 26ms));
}

TEST_F(LongPacketsTest, AreNotForbiddenWhileTheirStreamsBytesArrive) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(forbidden_after(200ms, stream(4, 3000)));
    packets.stream_acknowledged(4, 2000);
    EXPECT_FALSE(forbidden_after(190ms, stream(4, 9000)));
    packets.stream_acknowledged(4, 1000);
  }
}

TEST_F(LongPacketsTest, AreForbiddenThoughOtherStreamsBytesArrive) {
  EXPECT_FALSE(forbidden_after(0ms, stream(4, 3000)));
  for (int i = 0; i < 3; ++i) {
    packets.stream_acknowledged(8, 100000);
    packets.stream_acknowledged(4, 999);
    EXPECT_FALSE(forbidden_after(130ms, {}));
  }
  EXPECT_TRUE(forbidden_after(10ms, {}));
}

TEST_F(LongPacketsTest, AreNotForbiddenForAStreamThatEnded) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(forbidden_after(130ms, stream(4, 3000)));
    packets.forget_stream(4);
  }
}

TEST_F(LongPacketsTest, AreNotForbiddenWhileTheirDatagramsArrive) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_FALSE(forbidden_after(130ms, datagrams(i)));
    packets.datagrams_acknowledged(i);
  }
}

TEST_F(LongPacketsTest, AreForbiddenWhenSixInARowAreLost) {
  for (std::uint64_t i = 0; i < 6; ++i) {
    EXPECT_FALSE(forbidden_after(1s, datagrams(i)));
    packets.datagrams_lost(i);
  }
  EXPECT_TRUE(forbidden_after(1s, datagrams(6)));
}

TEST_F(LongPacketsTest, AreNotForbiddenWhenOneOfSixArrives) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    EXPECT_FALSE(forbidden_after(1s, datagrams(i)));
    i % 6 == 5 ? packets.datagrams_acknowledged(i) : packets.datagrams_lost(i);
  }
}

TEST_F(LongPacketsTest, AreTriedAgainAfterRestsThatGrow) {
  Duration rest = 30s;
  for (int times = 0; times < 12; ++times, rest = std::min<Duration>(2 * rest, 3h)) expect_rest(rest);
  packets.stream_acknowledged(4, 1000);
  expect_rest(30s);
}

TEST_F(LongPacketsTest, AreTriedOnAnotherPathAtOnce) {
  for (int i = 0; i < 10; ++i) forbidden_after(100ms, stream(4, 1000));
  EXPECT_TRUE(forbidden_in(0ms));
  packets.forget_path();
  EXPECT_FALSE(forbidden_in(0ms));
}

}  // namespace
}  // namespace penstock
