#include "steering/session_table.h"

#include <gtest/gtest.h>

#include <set>

#include "unit/steering/paths.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};
constexpr Duration kUnreplied = 10s;
constexpr Duration kIdle = 60s;
using Lookup = SessionTable::Lookup;

class SessionTableTest : public testing::Test {
 protected:
  Session& add(std::uint32_t number, Time now = kStart) {
    return *table_.add(numbered_path(number), kIdle, now);
  }
  void assure(Session& session, Time now = kStart) {
    table_.backend_sent(session, 1, now);
    table_.client_sent(session, 1, now);
  }
  std::vector<Session*> over(Time now, std::size_t slots = 100) {
    std::vector<Session*> told;
    table_.expire(now, slots, [&](Session& session) { told.push_back(&session); });
    return told;
  }

  SessionTable table_{40, 4, kUnreplied};
};

TEST_F(SessionTableTest, OpensASession) {
  Session* const session = table_.add(numbered_path(7), kIdle, kStart);

  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->id, SessionId(40, 1));
  EXPECT_EQ(session->state(), SessionState::kUnreplied);
  EXPECT_EQ(session->path, numbered_path(7));
  EXPECT_EQ(session->idle(), kIdle);
  EXPECT_EQ(session->opened(), kStart);
  EXPECT_EQ(session->last_sent, kStart);
  EXPECT_EQ(table_.traffic(*session).to_backend_datagrams + table_.traffic(*session).to_client_datagrams, 0U);
  EXPECT_EQ(table_.index_of(*session), 0U);
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_EQ(table_.find(numbered_path(7)), session);
  EXPECT_EQ(table_.find(session->id).session, session);
  EXPECT_EQ(table_.find(session->id).lookup, Lookup::kFound);
}

TEST_F(SessionTableTest, TakesNoMoreThanItsCapacity) {
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(add(i).id, SessionId(40 + i, 1));
  EXPECT_EQ(table_.add(numbered_path(4), kIdle, kStart), nullptr);
  EXPECT_EQ(table_.find(numbered_path(4)), nullptr);
  EXPECT_EQ(table_.size(), 4U);

  table_.remove(*table_.find(numbered_path(2)));
  EXPECT_EQ(add(4).id, SessionId(42, 2));
}

TEST_F(SessionTableTest, HasNoRoomWithoutSlots) {
  SessionTable none{0, 0, kUnreplied};
  EXPECT_EQ(none.add(numbered_path(1), kIdle, kStart), nullptr);
  EXPECT_EQ(none.find(numbered_path(1)), nullptr);
  EXPECT_EQ(none.oldest_unassured(), nullptr);
  none.expire(kStart, 10, [](Session&) { FAIL(); });
}

TEST_F(SessionTableTest, StaysWithinTheSlotsOfTheNode) {
  SessionTable last{SessionId::kSlots - 1, 1, kUnreplied};
  EXPECT_EQ(last.add(numbered_path(1), kIdle, kStart)->id, SessionId(SessionId::kSlots - 1, 1));
  EXPECT_DEATH(SessionTable(SessionId::kSlots - 1, 2, kUnreplied), "");
  EXPECT_DEATH(SessionTable(SessionId::kSlots + 1, 0, kUnreplied), "");
}

TEST_F(SessionTableTest, AbortsWhenASessionIsRemovedTwice) {
  Session& session = add(1);
  table_.remove(session);
  EXPECT_DEATH(table_.remove(session), "");
}

/// The state machine: c and b for what the client and the backend sent after the session opened.
TEST_F(SessionTableTest, MovesTheStateOn) {
  struct Case {
    int number;
    std::string_view sent;
    SessionState state;
  };
  constexpr Case kCases[] = {
      {1, "", SessionState::kUnreplied},      {2, "c", SessionState::kUnreplied},
      {3, "cccc", SessionState::kUnreplied},  {4, "b", SessionState::kReplied},
      {5, "cb", SessionState::kReplied},      {6, "cbbb", SessionState::kReplied},
      {7, "bc", SessionState::kAssured},      {8, "ccbbc", SessionState::kAssured},
      {9, "cbcbbcc", SessionState::kAssured},
  };
  for (const Case& c : kCases) {
    Session& session = add(1);
    for (const char who : c.sent) {
      if (who == 'c') table_.client_sent(session, 1, kStart);
      if (who == 'b') table_.backend_sent(session, 1, kStart);
    }
    EXPECT_EQ(session.state(), c.state) << "case " << c.number;
    EXPECT_EQ(table_.oldest_unassured() == nullptr, c.state == SessionState::kAssured) << "case " << c.number;
    table_.remove(session);
  }
}

TEST_F(SessionTableTest, AddsWhatProgramsForwarded) {
  Session& session = add(0);
  table_.client_sent(session, 10, kStart);
  table_.forwarded(session, {.to_client_datagrams = 2, .to_client_bytes = 30, .backend_sent = kStart + 1s});
  EXPECT_EQ(session.state(), SessionState::kReplied);
  EXPECT_EQ(session.last_sent, kStart + 1s);

  table_.forwarded(session, {.client_sent = kStart, .backend_sent = kStart + 1s});
  EXPECT_EQ(session.state(), SessionState::kReplied) << "nothing came";
  table_.forwarded(session, {.to_backend_datagrams = 1, .to_backend_bytes = 5, .client_sent = kStart + 2s});
  EXPECT_EQ(session.state(), SessionState::kAssured);
  EXPECT_EQ(session.last_sent, kStart + 2s);
  table_.forwarded(session, {.client_sent = kStart + 1s, .backend_sent = kStart + 1s});
  EXPECT_EQ(session.last_sent, kStart + 2s) << "never goes back";
  EXPECT_EQ(table_.traffic(session).to_backend_datagrams, 2U);
  EXPECT_EQ(table_.traffic(session).to_backend_bytes, 15U);
  EXPECT_EQ(table_.traffic(session).to_client_datagrams, 2U);
  EXPECT_EQ(table_.traffic(session).to_client_bytes, 30U);
  EXPECT_EQ(table_.oldest_unassured(), nullptr);
}

TEST_F(SessionTableTest, AssuresByOneCallWhenTheClientSentLast) {
  const ForwardedTraffic both{.to_backend_datagrams = 3,
                              .to_client_datagrams = 1,
                              .client_sent = kStart + 2s,
                              .backend_sent = kStart + 1s};
  Session& session = add(0);
  table_.forwarded(session, both);
  EXPECT_EQ(session.state(), SessionState::kAssured);

  ForwardedTraffic answered_last = both;
  answered_last.backend_sent = kStart + 3s;
  Session& other = add(1);
  table_.forwarded(other, answered_last);
  EXPECT_EQ(other.state(), SessionState::kReplied);
}

TEST_F(SessionTableTest, RefreshesWhatItJudges) {
  Session& session = add(0);
  Session& silent = add(1);
  std::vector<Session*> ended;
  const auto refresh = [&](Session& each) {
    if (&each == &session) table_.forwarded(each, {.client_sent = kStart + 9s});
  };
  table_.expire(kStart + 10s, 100, refresh, [&](Session& each) { ended.push_back(&each); });
  EXPECT_EQ(ended, std::vector{&silent});
}

TEST_F(SessionTableTest, NamesTheStates) {
  EXPECT_EQ(to_string(SessionState::kUnreplied), "unreplied");
  EXPECT_EQ(to_string(SessionState::kReplied), "replied");
  EXPECT_EQ(to_string(SessionState::kAssured), "assured");
}

TEST_F(SessionTableTest, CountsBothDirections) {
  Session& session = add(1);
  table_.client_sent(session, 100, kStart + 1s);
  table_.client_sent(session, 0, kStart + 2s);
  table_.backend_sent(session, 1400, kStart + 3s);

  EXPECT_EQ(table_.traffic(session).to_backend_datagrams, 2U);
  EXPECT_EQ(table_.traffic(session).to_backend_bytes, 100U);
  EXPECT_EQ(table_.traffic(session).to_client_datagrams, 1U);
  EXPECT_EQ(table_.traffic(session).to_client_bytes, 1400U);
  EXPECT_EQ(session.last_sent, kStart + 3s);
}

TEST_F(SessionTableTest, BeginsEachSessionAnew) {
  Session& first = add(1);
  assure(first, kStart + 1s);
  table_.remove(first);
  for (std::uint32_t i = 2; i <= 4; ++i) add(i);

  Session& again = add(5, kStart + 9s);

  ASSERT_EQ(&again, &first);
  EXPECT_EQ(again.id, SessionId(40, 2));
  EXPECT_EQ(again.state(), SessionState::kUnreplied);
  EXPECT_EQ(table_.traffic(again).to_backend_datagrams + table_.traffic(again).to_backend_bytes, 0U);
  EXPECT_EQ(table_.traffic(again).to_client_datagrams + table_.traffic(again).to_client_bytes, 0U);
  EXPECT_EQ(again.last_sent, kStart + 9s);
  EXPECT_EQ(table_.find(numbered_path(1)), nullptr);
}

TEST_F(SessionTableTest, KnowsWhatAnIdStandsFor) {
  add(1);
  table_.remove(add(2));
  table_.remove(add(3));
  add(4);
  add(5);  // in the slot of 2, since none is left that never was used
  ASSERT_EQ(table_.find(numbered_path(5))->id, SessionId(41, 2));
  SessionTable fresh{40, 4, kUnreplied};
  struct Case {
    int number;
    SessionId id;
    Lookup lookup;
  };
  const Case cases[] = {
      {1, {40, 1}, Lookup::kFound},
      {2, {41, 2}, Lookup::kFound},
      {3, {41, 1}, Lookup::kStale},  // another session's now
      {4, {41, 3}, Lookup::kStale},  // so old that it will come again
      {5, {42, 1}, Lookup::kStale},  // nobody's now
      {6, {42, 2}, Lookup::kStale},
      {7, {40, 1023}, Lookup::kStale},
      {8, {40, 0}, Lookup::kUnknown},  // generations that no session has
      {9, {40, 1024}, Lookup::kUnknown},
      {10, {40, 1025}, Lookup::kUnknown},  // its low bits are those of a session
      {11, {39, 1}, Lookup::kUnknown},     // other tables' slots
      {12, {44, 1}, Lookup::kUnknown},
      {13, {0, 1}, Lookup::kUnknown},
      {14, {SessionId::kSlots - 1, 1}, Lookup::kUnknown},
      {15, {}, Lookup::kUnknown},
      {16, SessionId::from(~0U), Lookup::kUnknown},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(table_.find(c.id).lookup, c.lookup) << "case " << c.number;
    EXPECT_EQ(table_.find(c.id).session != nullptr, c.lookup == Lookup::kFound) << "case " << c.number;
    EXPECT_EQ(fresh.find(c.id).lookup, Lookup::kUnknown) << "case " << c.number;
  }
}

TEST(SessionTableSlotsTest, GivesASlotEachGenerationFrom1To1023AndThen1Again) {
  SessionTable table{0, 1, kUnreplied};
  for (std::uint32_t round = 0; round < 3 * 1023; ++round) {
    Session& session = *table.add(numbered_path(round), kIdle, kStart);
    ASSERT_EQ(session.id, SessionId(0, round % 1023 + 1)) << "round " << round;
    const SessionId id = session.id;
    table.remove(session);
    ASSERT_EQ(table.find(id).lookup, Lookup::kStale);
  }
}

/// One session at a time: slots are taken that never were used, until more than 1,024 wait.
TEST(SessionTableSlotsTest, LetsFreedSlotsRest) {
  SessionTable table{0, 5000, kUnreplied};
  for (std::uint32_t round = 0; round < 4000; ++round) {
    Session& session = *table.add(numbered_path(round), kIdle, kStart);
    ASSERT_EQ(session.id, SessionId(round % 1025, round / 1025 + 1)) << "round " << round;
    table.remove(session);
  }
}

TEST(SessionTableSlotsTest, TakesWhatWasFreedFirstWhenNoFreshSlotIsLeft) {
  SessionTable table{0, 8, kUnreplied};
  for (std::uint32_t i = 0; i < 8; ++i) table.add(numbered_path(i), kIdle, kStart);
  for (const std::uint32_t slot : {5U, 0U, 7U, 3U}) table.remove(*table.find(numbered_path(slot)));

  std::vector<std::uint32_t> slots;
  for (std::uint32_t i = 8; i < 12; ++i)
    slots.push_back(table.add(numbered_path(i), kIdle, kStart)->id.slot());

  EXPECT_EQ(slots, (std::vector<std::uint32_t>{5, 0, 7, 3}));
}

TEST_F(SessionTableTest, KnowsTheOldestThatIsNotAssured) {
  EXPECT_EQ(table_.oldest_unassured(), nullptr);
  Session& a = add(1);
  Session& b = add(2);
  Session& c = add(3);
  Session& d = add(4);
  EXPECT_EQ(table_.oldest_unassured(), &a);
  assure(b);  // from the middle
  EXPECT_EQ(table_.oldest_unassured(), &a);
  assure(a);  // from the front
  EXPECT_EQ(table_.oldest_unassured(), &c);
  table_.backend_sent(c, 1, kStart);  // replied, and still not assured
  EXPECT_EQ(table_.oldest_unassured(), &c);
  table_.remove(d);  // from the back
  EXPECT_EQ(table_.oldest_unassured(), &c);
  table_.remove(c);  // the last
  EXPECT_EQ(table_.oldest_unassured(), nullptr);
  table_.remove(a);
  EXPECT_EQ(table_.oldest_unassured(), nullptr);
  Session& e = add(5);
  EXPECT_EQ(table_.oldest_unassured(), &e);
}

TEST_F(SessionTableTest, EndsSessionsBySilence) {
  Session& spoofed = add(1);
  Session& served = add(2);
  assure(served, kStart + 1s);

  EXPECT_TRUE(over(kStart + 10s - 1ns).empty());
  EXPECT_EQ(over(kStart + 10s), std::vector{&spoofed});
  table_.remove(spoofed);
  EXPECT_TRUE(over(kStart + 61s - 1ns).empty());
  EXPECT_EQ(over(kStart + 61s), std::vector{&served});
}

TEST_F(SessionTableTest, CountsSilenceFromWhoeverSentLast) {
  Session& client = add(1);
  table_.client_sent(client, 1, kStart + 5s);
  Session& backend = add(2);
  table_.backend_sent(backend, 1, kStart + 6s);

  EXPECT_TRUE(over(kStart + 15s - 1ns).empty());
  EXPECT_EQ(over(kStart + 16s - 1ns), std::vector{&client});
  EXPECT_EQ(over(kStart + 16s), (std::vector{&client, &backend}));
}

TEST_F(SessionTableTest, LooksAtSomeSlotsAndGoesOnThereNextTime) {
  Session& a = add(1);
  Session& b = add(2);
  Session& c = add(3);
  const Time later = kStart + 1h;

  EXPECT_EQ(over(later, 2), (std::vector{&a, &b}));
  EXPECT_EQ(over(later, 2), (std::vector{&c, &a}));
  EXPECT_TRUE(over(later, 0).empty());
  table_.remove(b);
  EXPECT_TRUE(over(later, 1).empty());  // a slot without a session is looked at too
  EXPECT_EQ(over(later, 100), (std::vector{&c, &a}));
}

TEST_F(SessionTableTest, LetsItsOwnerRemoveWhatIsVisited) {
  for (std::uint32_t i = 0; i < 4; ++i) add(i);
  std::set<std::uint32_t> visited;
  table_.for_each([&](Session& session) {
    visited.insert(table_.index_of(session));
    if (table_.index_of(session) % 2 == 0) table_.remove(session);
  });
  EXPECT_EQ(visited, (std::set<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(table_.size(), 2U);

  table_.expire(kStart + 1h, 4, [&](Session& session) { table_.remove(session); });
  EXPECT_EQ(table_.size(), 0U);
  table_.for_each([](Session&) { FAIL(); });
}

TEST_F(SessionTableTest, RestoresSessionsWithTheirIds) {
  Session* const restored = table_.restore(SessionId(42, 7), numbered_path(1), kIdle, kStart);

  ASSERT_NE(restored, nullptr);
  EXPECT_EQ(restored->id, SessionId(42, 7));
  EXPECT_EQ(restored->state(), SessionState::kAssured);
  EXPECT_EQ(restored->last_sent, kStart);
  EXPECT_EQ(table_.find(numbered_path(1)), restored);
  EXPECT_EQ(table_.find(SessionId(42, 7)).session, restored);
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_EQ(table_.oldest_unassured(), nullptr);
  EXPECT_TRUE(over(kStart + kIdle - 1ms).empty());
  EXPECT_EQ(over(kStart + kIdle), std::vector{restored});
}

TEST_F(SessionTableTest, GivesTheSlotsBeforeARestoredOneToOthers) {
  ASSERT_NE(table_.restore(SessionId(42, 7), numbered_path(1), kIdle, kStart), nullptr);

  std::set<std::uint32_t> slots;
  for (std::uint32_t i = 2; i < 5; ++i) slots.insert(add(i).id.slot());

  EXPECT_EQ(slots, (std::set<std::uint32_t>{40, 41, 43}));
  EXPECT_EQ(table_.add(numbered_path(9), kIdle, kStart), nullptr);
  EXPECT_EQ(table_.find(SessionId(40, 7)).lookup, Lookup::kStale);  // whoever had it before
}

TEST_F(SessionTableTest, RestoresNothingThatIsNotItsOwnOrOutOfOrder) {
  for (const SessionId id : {SessionId(39, 1), SessionId(44, 1), SessionId(41, 0)})
    EXPECT_EQ(table_.restore(id, numbered_path(1), kIdle, kStart), nullptr) << id.value();
  ASSERT_NE(table_.restore(SessionId(41, 1), numbered_path(1), kIdle, kStart), nullptr);
  EXPECT_EQ(table_.restore(SessionId(41, 2), numbered_path(2), kIdle, kStart), nullptr);
  EXPECT_EQ(table_.restore(SessionId(40, 1), numbered_path(2), kIdle, kStart), nullptr);
  EXPECT_EQ(table_.size(), 1U);
}

}  // namespace
}  // namespace penstock
