// What is left of connections that ended.
#include "quic/closed_connections.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

using namespace std::chrono_literals;

ConnectionId id_of(unsigned number) {
  std::array<std::byte, kConnectionId> bytes{};
  store_u32(bytes.data(), number);
  return ConnectionId{bytes};
}

ConnectionRemains remains(unsigned number, Time until, std::size_t answer = 30) {
  return {.ids = {id_of(number), id_of(number + 1000000)},
          .answer = std::vector<std::byte>(answer),
          .until = until};
}

TEST(ClosedConnectionsTest, AnswersLessAndLessOften) {
  ClosedConnections closed;
  closed.add(remains(1, Time{10s}), Time{1s});
  int answered = 0;
  for (int i = 0; i < 100; ++i)
    answered += closed.answer_for(id_of(i % 2 == 0 ? 1 : 1000001), 100).empty() ? 0 : 1;
  EXPECT_EQ(answered, 7);  // packets 1, 2, 4, ... 64
  EXPECT_TRUE(closed.answer_for(id_of(2), 100).empty());
}

TEST(ClosedConnectionsTest, AnswersNoPacketThatIsMuchShorter) {
  ClosedConnections closed;
  closed.add(remains(1, Time{10s}, 91), Time{1s});
  EXPECT_TRUE(closed.answer_for(id_of(1), 30).empty());
  EXPECT_EQ(closed.answer_for(id_of(1), 31).size(), 91U);
}

TEST(ClosedConnectionsTest, ForgetsInTime) {
  ClosedConnections closed;
  closed.add(remains(1, Time{10s}), Time{1s});
  closed.add(remains(2, Time{20s}), Time{1s});
  closed.add(remains(3, Time{1s}), Time{1s});
  EXPECT_FALSE(closed.knows(id_of(3)));
  EXPECT_EQ(closed.next(), Time{10s});
  closed.forget_until(Time{10s});
  EXPECT_FALSE(closed.knows(id_of(1)));
  EXPECT_TRUE(closed.knows(id_of(2)));
  closed.forget_until(Time{20s});
  EXPECT_EQ(closed.next(), kNever);
}

TEST(ClosedConnectionsTest, KeepsABoundedNumber) {
  ClosedConnections closed;
  for (unsigned i = 0; i < 5000; ++i) closed.add(remains(i, Time{10s}), Time{1s});
  EXPECT_FALSE(closed.knows(id_of(0)));
  EXPECT_TRUE(closed.knows(id_of(4999)));
  int known = 0;
  for (unsigned i = 0; i < 5000; ++i) known += closed.knows(id_of(i)) ? 1 : 0;
  EXPECT_EQ(known, 1024);
}

}  // namespace
}  // namespace penstock
