// As many sessions as a node may have.
#include <gtest/gtest.h>

#include <vector>

#include "steering/session_table.h"
#include "unit/steering/paths.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Time kFilledAt{1h};
constexpr std::uint32_t kMillion = 1'000'000;

TEST(SessionTableSizeTest, TakesUnder112BytesForEachOfAMillionSessions) {
  const PathIndex index{kMillion, {}};
  EXPECT_LT(sizeof(Session) + sizeof(SessionTraffic) + index.bytes() / kMillion + 1, 112U);
}

TEST(SessionTableSizeTest, FindsEachOfAMillionAndEndsThem) {
  SessionTable table{0, kMillion, 10s};
  std::vector<Session*> sessions;
  sessions.reserve(kMillion);
  for (std::uint32_t i = 0; i < kMillion; ++i)
    sessions.push_back(table.add(numbered_path(i), 60s, kFilledAt));
  ASSERT_EQ(table.size(), kMillion);
  ASSERT_EQ(table.add(numbered_path(kMillion), 60s, kFilledAt), nullptr);

  for (std::uint32_t i = 0; i < kMillion; ++i) {
    ASSERT_EQ(table.find(numbered_path(i)), sessions[i]) << i;
    ASSERT_EQ(table.find(SessionId{i, 1}).session, sessions[i]) << i;
    ASSERT_EQ(table.find(numbered_path(kMillion + i)), nullptr) << i;
  }

  std::size_t calls = 0;
  for (; table.size() > 0; ++calls) {
    ASSERT_LE(calls, kMillion / 1000);
    table.expire(kFilledAt + 10s, 1000, [&](Session& session) { table.remove(session); });
  }
  EXPECT_EQ(calls, kMillion / 1000);
  EXPECT_EQ(table.oldest_unassured(), nullptr);
  for (std::uint32_t i = 0; i < kMillion; ++i) ASSERT_EQ(table.find(numbered_path(i)), nullptr) << i;
}

}  // namespace
}  // namespace penstock
