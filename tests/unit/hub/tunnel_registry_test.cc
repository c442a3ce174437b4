// Each case is a table of steps, numbered, so that a failure says which one.
#include "hub/tunnel_registry.h"

#include <gtest/gtest.h>

#include <variant>

namespace penstock {
namespace {

using namespace std::chrono_literals;

constexpr Time kPlacedAt{1h};
constexpr std::uint32_t kMostCarriers = 3;

/// A carrier: worker 0 and that number, unless it says else.
CarrierId carrier(std::uint64_t number, unsigned worker = 0) {
  return {.worker = worker, .number = number};
}

enum class Outcome { kAdded, kConnected, kContested, kRefused };

struct Place {
  Duration at;
  std::uint64_t instance;
  std::uint32_t index;
  std::uint64_t number;
  Outcome outcome;
  std::vector<CarrierId> replaced{};
};

struct Remove {
  std::uint64_t number;
  bool last;
};

using Step = std::variant<Place, Remove>;

Outcome outcome_of(const TunnelRegistry::Placed& placed) {
  EXPECT_LE(int{placed.refused} + int{placed.connected} + int{placed.contested}, 1);
  if (placed.refused) return Outcome::kRefused;
  if (placed.connected) return Outcome::kConnected;
  return placed.contested ? Outcome::kContested : Outcome::kAdded;
}

class TunnelRegistryTest : public testing::Test {
 protected:
  void take(const Place& step) {
    const auto placed = registry_.place("berlin", step.instance, false, step.index, carrier(step.number),
                                        kPlacedAt + step.at);
    EXPECT_EQ(outcome_of(placed), step.outcome);
    EXPECT_EQ(placed.replaced, step.replaced);
  }
  void take(const Remove& step) { EXPECT_EQ(registry_.remove("berlin", carrier(step.number)), step.last); }

  void run(const std::vector<Step>& steps) {
    int number = 0;
    for (const Step& step : steps) {
      SCOPED_TRACE("step " + std::to_string(++number));
      std::visit([this](const auto& one) { take(one); }, step);
    }
  }
  /// The numbers of the edge's carriers, by index.
  std::map<std::uint32_t, std::uint64_t> carriers() const {
    std::map<std::uint32_t, std::uint64_t> out;
    const auto* const tunnel = registry_.find("berlin");
    if (tunnel == nullptr) return out;
    for (const auto& [index, id] : tunnel->carriers) out[index] = id.number;
    return out;
  }
  using Carriers = std::map<std::uint32_t, std::uint64_t>;

  TunnelRegistry registry_{kMostCarriers};
};

TEST_F(TunnelRegistryTest, KnowsNoEdgeAtFirst) {
  EXPECT_EQ(registry_.find("berlin"), nullptr);
  EXPECT_EQ(registry_.connected(), 0U);
  EXPECT_FALSE(registry_.remove("berlin", carrier(1)));
}

TEST_F(TunnelRegistryTest, RemembersHowATunnelBegan) {
  registry_.place("berlin", 7, true, 0, carrier(1), kPlacedAt);
  registry_.place("berlin", 7, true, 1, carrier(2), kPlacedAt + 5s);

  const auto* const tunnel = registry_.find("berlin");
  ASSERT_NE(tunnel, nullptr);
  EXPECT_EQ(tunnel->instance, 7U);
  EXPECT_TRUE(tunnel->legacy);
  EXPECT_EQ(tunnel->since, kPlacedAt);
}

TEST_F(TunnelRegistryTest, SameInstanceAddsCarriers) {
  run({
      Place{0s, 7, 0, 1, Outcome::kConnected},
      Place{1s, 7, 1, 2, Outcome::kAdded},
      Place{2s, 7, 5, 3, Outcome::kAdded},
  });

  EXPECT_EQ(carriers(), (Carriers{{0, 1}, {1, 2}, {5, 3}}));
  EXPECT_EQ(registry_.connected(), 1U);
}

TEST_F(TunnelRegistryTest, SameIndexReplacesThatCarrierAlone) {
  run({
      Place{0s, 7, 0, 1, Outcome::kConnected}, Place{0s, 7, 1, 2, Outcome::kAdded},
      Place{1s, 7, 1, 3, Outcome::kAdded, {carrier(2)}}, Place{2s, 7, 1, 4, Outcome::kAdded, {carrier(3)}},
      Place{3s, 7, 1, 5, Outcome::kAdded, {carrier(4)}},  // an edge that redials is no contest
  });

  EXPECT_EQ(carriers(), (Carriers{{0, 1}, {1, 5}}));
}

TEST_F(TunnelRegistryTest, AnotherInstanceReplacesTheWholeTunnel) {
  run({
      Place{0s, 7, 0, 1, Outcome::kConnected},
      Place{0s, 7, 1, 2, Outcome::kAdded},
      Place{5s, 8, 1, 3, Outcome::kAdded, {carrier(1), carrier(2)}},
  });

  EXPECT_EQ(carriers(), (Carriers{{1, 3}}));
  EXPECT_EQ(registry_.find("berlin")->instance, 8U);
  EXPECT_EQ(registry_.find("berlin")->since, kPlacedAt + 5s);
  EXPECT_EQ(registry_.connected(), 1U);
}

TEST_F(TunnelRegistryTest, ContestedAtTheThirdReplacementWithinTenMinutes) {
  run({
      Place{0s, 1, 0, 1, Outcome::kConnected},
      Place{1min, 2, 0, 2, Outcome::kAdded, {carrier(1)}},
      Place{5min, 1, 0, 3, Outcome::kAdded, {carrier(2)}},
      Place{11min - 1ns, 2, 0, 4, Outcome::kContested, {carrier(3)}},
      Place{12min, 1, 0, 5, Outcome::kContested, {carrier(4)}},
  });
}

TEST_F(TunnelRegistryTest, NotContestedWhenReplacementsAreSpreadWider) {
  run({
      Place{0s, 1, 0, 1, Outcome::kConnected},
      Place{1min, 2, 0, 2, Outcome::kAdded, {carrier(1)}},
      Place{6min, 1, 0, 3, Outcome::kAdded, {carrier(2)}},
      Place{11min, 2, 0, 4, Outcome::kAdded, {carrier(3)}},
      Place{16min, 1, 0, 5, Outcome::kAdded, {carrier(4)}},
      Place{21min - 1ns, 2, 0, 6, Outcome::kContested, {carrier(5)}},
  });
}

TEST_F(TunnelRegistryTest, ContestsOutliveTheTunnelUntilTheEdgeIsForgotten) {
  run({
      Place{0s, 1, 0, 1, Outcome::kConnected},
      Place{1s, 2, 0, 2, Outcome::kAdded, {carrier(1)}},
      Place{2s, 1, 0, 3, Outcome::kAdded, {carrier(2)}},
      Remove{3, true},
      Place{3s, 1, 0, 4, Outcome::kConnected},
      Place{4s, 2, 0, 5, Outcome::kContested, {carrier(4)}},
  });

  registry_.forget("berlin");

  run({Place{5s, 1, 0, 6, Outcome::kAdded, {carrier(5)}}});
}

TEST_F(TunnelRegistryTest, ContestsOfEdgesAreApart) {
  run({
      Place{0s, 1, 0, 1, Outcome::kConnected},
      Place{1s, 2, 0, 2, Outcome::kAdded, {carrier(1)}},
      Place{2s, 1, 0, 3, Outcome::kAdded, {carrier(2)}},
  });
  registry_.place("paris", 1, false, 0, carrier(10), kPlacedAt);

  const auto placed = registry_.place("paris", 2, false, 0, carrier(11), kPlacedAt + 3s);

  EXPECT_FALSE(placed.contested);
  EXPECT_EQ(placed.replaced, std::vector{carrier(10)});
  EXPECT_EQ(registry_.connected(), 2U);
}

TEST_F(TunnelRegistryTest, RefusesMoreCarriersThanATunnelMayHave) {
  run({
      Place{0s, 7, 0, 1, Outcome::kConnected},
      Place{0s, 7, 1, 2, Outcome::kAdded},
      Place{0s, 7, 2, 3, Outcome::kAdded},
      Place{1s, 7, 3, 4, Outcome::kRefused},
      Place{1s, 7, 2, 5, Outcome::kAdded, {carrier(3)}},  // replacing is no more than before
      Remove{1, false},
      Place{2s, 7, 3, 6, Outcome::kAdded},
  });

  EXPECT_EQ(carriers(), (Carriers{{1, 2}, {2, 5}, {3, 6}}));
}

TEST_F(TunnelRegistryTest, RemovingARefusedOrReplacedCarrierChangesNothing) {
  run({
      Place{0s, 7, 0, 1, Outcome::kConnected},
      Place{1s, 7, 0, 2, Outcome::kAdded, {carrier(1)}},
      Remove{1, false},
      Place{2s, 8, 0, 3, Outcome::kAdded, {carrier(2)}},
      Remove{2, false},
      Remove{99, false},
  });

  EXPECT_EQ(carriers(), (Carriers{{0, 3}}));
}

TEST_F(TunnelRegistryTest, TellsCarriersOfTheSameNumberOnTwoWorkersApart) {
  registry_.place("berlin", 7, false, 0, carrier(1, 0), kPlacedAt);
  registry_.place("berlin", 7, false, 1, carrier(1, 1), kPlacedAt);

  EXPECT_FALSE(registry_.remove("berlin", carrier(1, 1)));

  ASSERT_NE(registry_.find("berlin"), nullptr);
  EXPECT_EQ(registry_.find("berlin")->carriers, (std::map<std::uint32_t, CarrierId>{{0, carrier(1, 0)}}));
}

TEST_F(TunnelRegistryTest, TheLastCarrierTakesTheTunnelWithIt) {
  run({
      Place{0s, 7, 0, 1, Outcome::kConnected},
      Place{0s, 7, 1, 2, Outcome::kAdded},
      Remove{1, false},
      Remove{2, true},
      Remove{2, false},
  });

  EXPECT_EQ(registry_.find("berlin"), nullptr);
  EXPECT_EQ(registry_.connected(), 0U);
  run({Place{1s, 7, 0, 3, Outcome::kConnected}});
}

TEST_F(TunnelRegistryTest, ACarrierComesBackToItsWorker) {
  EXPECT_EQ(registry_.home("berlin", 7, 0, 2), 2U);
  EXPECT_EQ(registry_.home("berlin", 7, 0, 1), 2U);
  EXPECT_EQ(registry_.home("berlin", 7, 1, 1), 1U);
  EXPECT_EQ(registry_.home("berlin", 8, 0, 1), 1U);  // of another instance there are no sessions
}

TEST_F(TunnelRegistryTest, ACarrierComesBackToTheWorkerOfTheProcessBefore) {
  registry_.inherit({.edge = hash_of_edge("berlin"), .instance = 7, .carrier = 1}, 3);

  EXPECT_EQ(registry_.home("berlin", 7, 0, 0), 0U);
  EXPECT_EQ(registry_.home("vienna", 7, 1, 0), 0U);
  EXPECT_EQ(registry_.home("berlin", 7, 1, 0), 3U);
  EXPECT_EQ(registry_.home("berlin", 7, 1, 0), 3U);
  EXPECT_EQ(registry_.home("berlin", 9, 1, 0), 0U);
  EXPECT_EQ(registry_.home("berlin", 7, 1, 0), 0U);  // it was another's meanwhile
}

}  // namespace
}  // namespace penstock
