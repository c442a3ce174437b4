// The guard: its list and its buckets, and that time refills them. Buckets say when they were filled, so a
// test moves time by writing another moment there.
#include <ctime>

#include <limits>

#include "bpf/bpf_test.h"
#include "bpf/guard_units.h"

namespace penstock {
namespace {

std::uint64_t coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

class GuardTest : public BpfTest {
 protected:
  void limit(pst_rate pst_guard::*which, pst_rate rate) {
    pst_guard guard{.prefix_v4 = 24, .prefix_v6 = 64};
    guard.*which = rate;
    set_guard(guard);
  }
  /// How many of `count` such datagrams are let through; the others must have that reason.
  int passed_of(int count, const Packet& packet, const std::string& reason) {
    int passed = 0;
    for (int i = 0; i < count; ++i) {
      const std::string what = summary(edge(packet));
      if (what == "drop " + reason) continue;
      EXPECT_EQ(what, "pass new_path");
      ++passed;
    }
    return passed;
  }
  void list(std::string_view address, std::uint32_t length, pst_guard_action action) {
    map("pst_guard_list")
        .put(pst_prefix{length, abi_address(address)}, pst_guard_rule{std::uint32_t{action}});
    pst_settings settings = model_settings();
    settings.guard_list = 1;
    set_settings(settings);
  }
};

/// Next to nothing comes back while a test runs.
constexpr pst_rate kThree{.per_second = 1, .burst = 3};

TEST_F(GuardTest, BlocksByTheLongestPrefix) {
  list("192.0.2.0", 96 + 24, PST_GUARD_BLOCK);
  list("192.0.2.32", 96 + 28, PST_GUARD_ALLOW);
  list("2001:db8:2::", 48, PST_GUARD_BLOCK);
  EXPECT_EQ(summary(edge(from_client(kV4).ip("192.0.2.31", kV4.local))), "drop blocked");
  EXPECT_EQ(summary(edge(from_client(kV4).ip("192.0.2.32", kV4.local))), "pass new_path");
  EXPECT_EQ(summary(edge(from_client(kV4).ip("192.0.2.48", kV4.local))), "drop blocked");
  EXPECT_EQ(summary(edge(from_client(kV4).ip("192.0.3.1", kV4.local))), "pass new_path");
  EXPECT_EQ(summary(edge(from_client(kV6))), "drop blocked");
  EXPECT_EQ(summary(edge(from_client(kV6).ip("2001:db8:3::1", kV6.local))), "pass new_path");
  EXPECT_EQ(service_drops(kService, PST_R_BLOCKED), 3U);
}

TEST_F(GuardTest, ActsOnAssignedPortsOnly) {
  list("0.0.0.0", 96, PST_GUARD_BLOCK);
  expect_untouched(from_client(kV4).udp(kClientPort, 53), "not_ours");
  expect_untouched(from_client(kV4).udp(kClientPort, 22).protocol(IPPROTO_TCP), "not_ours");
}

TEST_F(GuardTest, AsksTheListOnlyIfItHasEntries) {
  list("192.0.2.0", 96 + 24, PST_GUARD_BLOCK);
  set_settings(model_settings());
  EXPECT_EQ(summary(edge(from_client(kV4))), "pass new_path");
}

TEST_F(GuardTest, BlocksClientsOfSessionsToo) {
  add(model_session(id, kV4, kV4));
  list("192.0.2.0", 96 + 24, PST_GUARD_BLOCK);
  list("10.0.0.0", 96 + 8, PST_GUARD_BLOCK);
  EXPECT_EQ(summary(edge(from_client(kV4))), "drop blocked");
  EXPECT_EQ(stored(id).client_seen, 0U);
  EXPECT_EQ(summary(edge(from_backend(kV4))), "pass steered");
}

TEST_F(GuardTest, LimitsASourcePrefix) {
  limit(&pst_guard::source, kThree);
  EXPECT_EQ(passed_of(5, from_client(kV4), "rate_source"), 3);
  EXPECT_EQ(passed_of(2, from_client(kV4).ip("192.0.2.200", kV4.local), "rate_source"),
            0);  // of the same /24
  EXPECT_EQ(passed_of(2, from_client(kV4).ip("192.0.3.33", kV4.local), "rate_source"), 2);
  EXPECT_EQ(passed_of(5, from_client(kV6), "rate_source"), 3);
  EXPECT_EQ(passed_of(2, from_client(kV6).ip("2001:db8:2:0:ffff::1", kV6.local), "rate_source"), 0);
  EXPECT_EQ(passed_of(2, from_client(kV6).ip("2001:db8:2:1::33", kV6.local), "rate_source"), 2);
  EXPECT_EQ(service_drops(kService, PST_R_RATE_SOURCE), 8U);
}

TEST_F(GuardTest, LimitsAService) {
  limit(&pst_guard::service, kThree);
  assign_udp(kPort + 1, kService + 1);
  assign_udp(kPort + 2, kService);
  EXPECT_EQ(passed_of(4, from_client(kV4), "rate_service"), 3);
  EXPECT_EQ(passed_of(2, from_client(kV6).udp(kClientPort, kPort + 2), "rate_service"), 0);
  EXPECT_EQ(passed_of(4, from_client(kV4).udp(kClientPort, kPort + 1), "rate_service"), 3);
  EXPECT_EQ(service_drops(kService, PST_R_RATE_SERVICE), 3U);
  EXPECT_EQ(service_drops(kService + 1, PST_R_RATE_SERVICE), 1U);
}

TEST_F(GuardTest, LimitsNewSessionsOfASource) {
  limit(&pst_guard::new_source, kThree);
  EXPECT_EQ(passed_of(5, from_client(kV4), "rate_new_source"), 3);
  EXPECT_EQ(passed_of(5, from_client(kV4).ip("192.0.9.33", kV4.local), "rate_new_source"), 3);
}

TEST_F(GuardTest, LimitsNewSessionsInTotal) {
  limit(&pst_guard::new_total, kThree);
  EXPECT_EQ(passed_of(2, from_client(kV4), "rate_new_total"), 2);
  EXPECT_EQ(passed_of(3, from_client(kV6), "rate_new_total"), 1);
}

TEST_F(GuardTest, LimitsSessionsByDatagramsAlone) {
  add(model_session(id, kV4, kV4));
  limit(&pst_guard::new_source, {.per_second = 1, .burst = 1});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(summary(edge(from_client(kV4))), "pass steered");
  limit(&pst_guard::new_total, {.per_second = 1, .burst = 1});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(summary(edge(from_client(kV4))), "pass steered");
  limit(&pst_guard::source, {.per_second = 1, .burst = 1});
  EXPECT_EQ(summary(edge(from_client(kV4))), "pass steered");
  EXPECT_EQ(summary(edge(from_client(kV4))), "drop rate_source");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(summary(edge(from_backend(kV4))), "pass steered");
  limit(&pst_guard::service, {.per_second = 1, .burst = 1});
  EXPECT_EQ(summary(edge(from_client(kV4))), "pass steered");
  EXPECT_EQ(summary(edge(from_client(kV4))), "drop rate_service");
}

TEST_F(GuardTest, StartsFullEvenWithoutABurst) {
  limit(&pst_guard::new_total, {.per_second = 1, .burst = 0});
  EXPECT_EQ(passed_of(3, from_client(kV4), "rate_new_total"), 1);
}

TEST_F(GuardTest, RefillsWithTime) {
  struct Case {
    std::uint64_t ago;
    std::uint64_t held;
    pst_rate rate;
    int passed;
  };
  constexpr std::uint32_t kHighest = std::numeric_limits<std::uint32_t>::max();
  const std::vector<Case> cases{
      {0, 0, {1, 5}, 0},
      {kSecond / 2, 0, {1, 5}, 0},
      {kSecond / 2, kToken / 2 + kToken / 100, {1, 5}, 1},
      {kSecond + kSecond / 10, 0, {1, 5}, 1},
      {3 * kSecond + kSecond / 10, 0, {1, 5}, 3},
      {30 * kSecond, 0, {1, 5}, 5},
      {5 * kSecond, 4 * kToken, {1, 5}, 5},
      {kSecond / 95, 0, {1000, 1000}, 10},
      {1'000'000 * kSecond, 0, {1, 5}, 5},       // eleven days
      {~0ULL / 2, 0, {1, 5}, 5},                 // three hundred years: the clock began at 0
      {~0ULL / 2, 0, {kHighest, kHighest}, 10},  // nothing overflows
      {kSecond, ~0ULL, {1, 5}, 5},               // more than a bucket of now holds
      {0 - 3600 * kSecond, 0, {1000, 1000}, 0},  // filled in the future
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(testing::Message() << one.ago << " ns, " << one.rate.per_second << "/s of "
                                    << one.rate.burst);
    const std::uint64_t now = coarse_now();
    pst_guard guard{.new_total = one.rate, .prefix_v4 = 32, .prefix_v6 = 64};
    const bool before_boot = one.ago > now && one.ago <= ~0ULL / 2;
    guard.new_total_bucket = {.filled_at = before_boot ? 1 : now - one.ago, .tokens = one.held};
    set_guard(guard);
    const int passed = passed_of(10, from_client(kV4), "rate_new_total");
    if (before_boot || one.rate.per_second != 1000 || one.ago == 0)
      EXPECT_EQ(passed, one.passed);
    else
      EXPECT_GE(passed, one.passed);  // a test's own milliseconds bring some more
  }
}

TEST_F(GuardTest, KeepsTheRateOverManySmallSteps) {
  // A step of 1 ms at 100 a second: a tenth of a token each time, of which rounding loses next to nothing.
  int passed = 0;
  pst_guard guard{.new_total = {.per_second = 100, .burst = 2}, .prefix_v4 = 32, .prefix_v6 = 64};
  std::uint64_t tokens = 0;
  for (int i = 0; i < 200; ++i) {
    guard.new_total_bucket = {.filled_at = coarse_now() - kSecond / 1000, .tokens = tokens};
    set_guard(guard);
    passed += passed_of(1, from_client(kV4), "rate_new_total");
    tokens = map("pst_guard").get<pst_guard>(std::uint32_t{0})->new_total_bucket.tokens;
  }
  EXPECT_GE(passed, 19);
}

TEST_F(GuardTest, ForgetsOldSourcesForNewOnes) {
  limit(&pst_guard::source, {.per_second = 1, .burst = 1});
  EXPECT_EQ(passed_of(2, from_client(kV4), "rate_source"), 1);
  const std::uint32_t more = map("pst_guard_sources").entries() + 1000;
  for (std::uint32_t i = 0; i < more; ++i)
    map("pst_guard_sources")
        .put(pst_guard_source{abi_address(IpAddress::v4(0x0a000000 + (i << 8))), 0}, pst_bucket{});
  EXPECT_EQ(passed_of(1, from_client(kV4).ip("203.0.113.9", kV4.local), "rate_source"), 1);
}

}  // namespace
}  // namespace penstock
