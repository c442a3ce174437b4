// Random life in a table, beside a model that is too simple to be wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <vector>

#include "steering/session_table.h"
#include "support/sim_random.h"
#include "unit/steering/paths.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kFirstSlot = 5000;
constexpr Duration kModelUnreplied = 10s;
using Lookup = SessionTable::Lookup;

struct ModelSession {
  Session* session = nullptr;  // where the table keeps it
  SessionId id;
  std::uint32_t path = 0;
  SessionState state = SessionState::kUnreplied;
  Duration idle{};
  Time last_sent{};
  std::uint64_t to_backend = 0;  // datagrams of one byte each
  std::uint64_t to_client = 0;

  bool is_over(Time now) const {
    return now - last_sent >= (state == SessionState::kAssured ? idle : kModelUnreplied);
  }
};

/// Sessions by path, in a map; ages in a list; slots as the rule says.
class TableModel {
 public:
  explicit TableModel(std::uint32_t capacity) : capacity_{capacity}, generations_(capacity) {}

  ModelSession* find(std::uint32_t path) {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : &found->second;
  }
  Lookup lookup(SessionId id) const {
    const std::uint32_t slot = id.slot();
    if (id.generation() == 0 || id.generation() > 1023) return Lookup::kUnknown;
    if (slot < kFirstSlot || slot >= kFirstSlot + used_) return Lookup::kUnknown;
    const bool here = std::ranges::any_of(by_path_, [&](const auto& entry) { return entry.second.id == id; });
    return here ? Lookup::kFound : Lookup::kStale;
  }
  bool full() const { return by_path_.size() == capacity_; }
  std::size_t size() const { return by_path_.size(); }

  ModelSession& add(std::uint32_t path, Duration idle, Time now) {
    const std::uint32_t slot = take_slot();
    generations_[slot] = generations_[slot] == 1023 ? 1 : generations_[slot] + 1;
    unassured_.push_back(path);
    return by_path_[path] = {
               .id = {kFirstSlot + slot, generations_[slot]}, .path = path, .idle = idle, .last_sent = now};
  }
  void remove(std::uint32_t path) {
    freed_.push_back(by_path_.at(path).id.slot() - kFirstSlot);
    unassured_.remove(path);
    by_path_.erase(path);
  }
  void client_sent(ModelSession& session, Time now) {
    session.last_sent = now;
    ++session.to_backend;
    if (session.state == SessionState::kUnreplied) return;
    session.state = SessionState::kAssured;
    unassured_.remove(session.path);
  }
  void backend_sent(ModelSession& session, Time now) {
    session.last_sent = now;
    ++session.to_client;
    if (session.state == SessionState::kUnreplied) session.state = SessionState::kReplied;
  }
  const ModelSession* oldest_unassured() const {
    return unassured_.empty() ? nullptr : &by_path_.at(unassured_.front());
  }
  /// Paths of those that expire() tells of, in order.
  std::vector<std::uint32_t> expire(Time now, std::size_t slots) {
    std::vector<std::uint32_t> over;
    for (std::size_t i = 0; i < slots && i < used_; ++i) {
      if (next_ == used_) next_ = 0;
      const std::uint32_t slot = kFirstSlot + next_++;
      for (const auto& [path, session] : by_path_) {
        if (session.id.slot() == slot && session.is_over(now)) over.push_back(path);
      }
    }
    return over;
  }
  const std::map<std::uint32_t, ModelSession>& sessions() const { return by_path_; }

 private:
  std::uint32_t take_slot() {
    if (used_ < capacity_ && freed_.size() <= 1024) return used_++;
    const std::uint32_t slot = freed_.front();
    freed_.pop_front();
    return slot;
  }

  const std::uint32_t capacity_;
  std::map<std::uint32_t, ModelSession> by_path_;
  std::list<std::uint32_t> unassured_;  // paths, oldest first
  std::deque<std::uint32_t> freed_;
  std::vector<std::uint32_t> generations_;
  std::uint32_t used_ = 0;
  std::uint32_t next_ = 0;  // slots that expire() has passed in this round
};

struct World {
  std::uint64_t seed;
  std::uint32_t capacity;
  int steps;
};

class SessionTableRandomTest : public testing::TestWithParam<World> {
 protected:
  std::uint32_t any_path() { return static_cast<std::uint32_t>(random_.between(0, capacity_ * 2)); }

  /// An id that there was or could have been, or any number.
  SessionId any_id() {
    if (!past_.empty() && random_.chance(0.6)) return past_[random_.between(0, past_.size() - 1)];
    if (random_.chance(0.2)) return SessionId::from(static_cast<std::uint32_t>(random_.number()));
    return {static_cast<std::uint32_t>(kFirstSlot - 1 + random_.between(0, capacity_ + 1)),
            static_cast<std::uint32_t>(random_.between(0, 1025))};
  }

  void agrees(const Session& session, const ModelSession& expected) {
    ASSERT_EQ(&session, expected.session);
    ASSERT_EQ(session.id, expected.id);
    ASSERT_EQ(session.path, numbered_path(expected.path));
    ASSERT_EQ(session.state(), expected.state);
    ASSERT_EQ(session.idle(), expected.idle);
    ASSERT_EQ(session.last_sent, expected.last_sent);
    ASSERT_EQ(table_.traffic(session).to_backend_datagrams, expected.to_backend);
    ASSERT_EQ(table_.traffic(session).to_backend_bytes, expected.to_backend);
    ASSERT_EQ(table_.traffic(session).to_client_datagrams, expected.to_client);
    ASSERT_EQ(table_.traffic(session).to_client_bytes, expected.to_client);
  }

  void find_by_path() {
    const std::uint32_t path = any_path();
    const Session* const session = table_.find(numbered_path(path));
    const ModelSession* const expected = model_.find(path);
    ASSERT_EQ(session != nullptr, expected != nullptr);
    if (expected != nullptr) agrees(*session, *expected);
  }
  void find_by_id() {
    const SessionId id = any_id();
    const SessionTable::Found found = table_.find(id);
    ASSERT_EQ(found.lookup, model_.lookup(id)) << id.slot() << " " << id.generation();
    ASSERT_EQ(found.session != nullptr, found.lookup == Lookup::kFound);
    if (found.session == nullptr) return;
    ASSERT_EQ(found.session->id, id);
  }
  void add() {
    const std::uint32_t path = any_path();
    if (model_.find(path) != nullptr) return;
    const Duration idle = std::chrono::seconds{random_.between(1, 60)};
    Session* const session = table_.add(numbered_path(path), idle, now_);
    ASSERT_EQ(session == nullptr, model_.full());
    if (session == nullptr) return make_room();
    ModelSession& expected = model_.add(path, idle, now_);
    expected.session = session;
    agrees(*session, expected);
    if (past_.size() == 100) past_.pop_front();
    past_.push_back(session->id);
  }
  void make_room() {
    Session* const oldest = table_.oldest_unassured();
    if (oldest == nullptr) return;
    const std::uint32_t path = model_.oldest_unassured()->path;
    ASSERT_EQ(oldest->path, numbered_path(path));
    table_.remove(*oldest);
    model_.remove(path);
  }
  void send() {
    ModelSession* const expected = model_.find(any_path());
    if (expected == nullptr) return;
    if (random_.chance(0.5)) {
      table_.client_sent(*expected->session, 1, now_);
      model_.client_sent(*expected, now_);
    } else {
      table_.backend_sent(*expected->session, 1, now_);
      model_.backend_sent(*expected, now_);
    }
  }
  void remove() {
    const std::uint32_t path = any_path();
    if (model_.find(path) == nullptr) return;
    table_.remove(*model_.find(path)->session);
    model_.remove(path);
  }
  void expire() {
    const std::size_t slots = random_.between(0, capacity_ + 2);
    const std::vector<std::uint32_t> expected = model_.expire(now_, slots);
    std::size_t told = 0;
    table_.expire(now_, slots, [&](Session& session) {
      ASSERT_LT(told, expected.size());
      const std::uint32_t path = expected[told++];
      agrees(session, *model_.find(path));
      if (random_.chance(0.1)) return;  // its owner may keep it
      table_.remove(session);
      model_.remove(path);
    });
    ASSERT_EQ(told, expected.size());
  }
  void visit_all() {
    std::size_t visited = 0;
    table_.for_each([&](Session& session) {
      ++visited;
      ASSERT_EQ(table_.find(session.path), &session);
    });
    ASSERT_EQ(visited, model_.size());
    for (const auto& [path, expected] : model_.sessions()) agrees(*expected.session, expected);
  }
  void step() {
    const std::uint64_t choice = random_.between(0, 99);
    if (choice < 35) return add();
    if (choice < 65) return send();
    if (choice < 75) return find_by_path();
    if (choice < 85) return find_by_id();
    if (choice < 85 + removals_) return remove();
    if (choice < 99) return;
    expire();
    visit_all();
  }

  const std::uint32_t capacity_ = GetParam().capacity;
  SimRandom random_{GetParam().seed};
  Time now_{1h};
  std::uint64_t removals_ = 0;  // of a hundred steps, now
  SessionTable table_{kFirstSlot, capacity_, kModelUnreplied};
  TableModel model_{capacity_};
  std::deque<SessionId> past_;
};

TEST_P(SessionTableRandomTest, DoesWhatTheModelDoes) {
  for (int i = 0; i < GetParam().steps; ++i) {
    SCOPED_TRACE(testing::Message{} << "seed " << GetParam().seed << ", step " << i);
    if (i % 1000 == 0) removals_ = random_.between(0, 14);
    now_ += std::chrono::milliseconds{random_.between(0, 2 * 60'000 / capacity_)};
    ASSERT_NO_FATAL_FAILURE(step());
    ASSERT_EQ(table_.size(), model_.size());
    const ModelSession* const oldest = model_.oldest_unassured();
    ASSERT_EQ(table_.oldest_unassured(), oldest == nullptr ? nullptr : oldest->session);
  }
}

INSTANTIATE_TEST_SUITE_P(Worlds, SessionTableRandomTest,
                         testing::Values(World{1, 1, 40'000}, World{2, 2, 40'000}, World{3, 3, 40'000},
                                         World{4, 7, 40'000}, World{5, 16, 40'000}, World{6, 16, 40'000},
                                         World{7, 64, 40'000}, World{8, 64, 40'000}, World{9, 1500, 40'000}));

}  // namespace
}  // namespace penstock
