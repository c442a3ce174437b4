#include "tunnel/admission.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>
#include <vector>

#include "support/sim_random.h"

namespace penstock {
namespace {

IpAddress address(std::uint32_t number) {
  return IpAddress::v4(0x0a000000 + number);
}

std::string_view outcome(const std::variant<Admission::Ticket, Reason>& answer) {
  const auto* const reason = std::get_if<Reason>(&answer);
  return reason == nullptr ? "admitted" : label_of(*reason);
}

TEST(AdmissionTest, LimitsTheTotal) {
  Admission admission{{.total = 2, .per_source = 10}};
  const auto one = admission.admit(address(1), {});
  {
    const auto two = admission.admit(address(2), {});
    EXPECT_EQ(outcome(two), "admitted");
    EXPECT_EQ(outcome(admission.admit(address(3), {})), "limit_total");
    EXPECT_EQ(admission.open(), 2U);
  }
  EXPECT_EQ(admission.open(), 1U);
  EXPECT_EQ(outcome(admission.admit(address(3), {})), "admitted");
}

TEST(AdmissionTest, LimitsASourceByItsPrefix) {
  Admission admission{{.total = 100, .per_source = 1, .prefix_v4 = 24, .prefix_v6 = 64}};
  const auto v4 = admission.admit(IpAddress::parse("192.0.2.1").value(), {});
  EXPECT_EQ(outcome(admission.admit(IpAddress::parse("192.0.2.254").value(), {})), "limit_source");
  EXPECT_EQ(outcome(admission.admit(IpAddress::parse("192.0.3.1").value(), {})), "admitted");
  const auto v6 = admission.admit(IpAddress::parse("2001:db8::1").value(), {});
  EXPECT_EQ(outcome(admission.admit(IpAddress::parse("2001:db8::ffff:1").value(), {})), "limit_source");
  EXPECT_EQ(outcome(admission.admit(IpAddress::parse("2001:db8:0:1::1").value(), {})), "admitted");
}

TEST(AdmissionTest, LimitsAServiceAndASourceWithinIt) {
  Admission admission{{.total = 100, .per_source = 100}};
  const ServiceLimits web{.service = "web", .total = 3, .per_source = 2};
  const auto one = admission.admit(address(1), web);
  const auto two = admission.admit(address(1), web);
  EXPECT_EQ(outcome(admission.admit(address(1), web)), "limit_source");
  const auto three = admission.admit(address(2), web);
  EXPECT_EQ(outcome(three), "admitted");
  EXPECT_EQ(outcome(admission.admit(address(3), web)), "limit_service");
  EXPECT_EQ(outcome(admission.admit(address(1), {.service = "mail"})), "admitted");
}

TEST(AdmissionTest, CountsOnlyWhatItAdmitted) {
  Admission admission{{.total = 100, .per_source = 100}};
  const ServiceLimits web{.service = "web", .total = 1, .per_source = 0};
  const auto one = admission.admit(address(1), web);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(outcome(admission.admit(address(2), web)), "limit_service");
  EXPECT_EQ(admission.open(), 1U);
}

TEST(AdmissionTest, MovesAPlaceWithItsTicket) {
  Admission admission{{.total = 1, .per_source = 1}};
  auto answer = admission.admit(address(1), {});
  Admission::Ticket held = std::get<Admission::Ticket>(std::move(answer));
  Admission::Ticket moved = std::move(held);
  EXPECT_EQ(admission.open(), 1U);
  moved = Admission::Ticket{};
  EXPECT_EQ(admission.open(), 0U);
}

TEST(AdmissionTest, KeepsAPlaceWithoutItsTicketUntilItIsGivenBack) {
  Admission admission{{.total = 10, .per_source = 1, .prefix_v4 = 24}};
  const ServiceLimits web{.service = "web", .total = 1, .per_source = 1};
  {
    auto answer = admission.admit(IpAddress::parse("192.0.2.1").value(), web);
    std::get<Admission::Ticket>(answer).keep();
  }
  EXPECT_EQ(admission.open(), 1U);
  EXPECT_EQ(outcome(admission.admit(IpAddress::parse("192.0.2.9").value(), {})), "limit_source");
  EXPECT_EQ(outcome(admission.admit(address(1), web)), "limit_service");

  admission.leave(IpAddress::parse("192.0.2.77").value(), "web");  // of the same prefix
  EXPECT_EQ(admission.open(), 0U);
  EXPECT_EQ(outcome(admission.admit(IpAddress::parse("192.0.2.9").value(), web)), "admitted");
}

TEST(AdmissionTest, KeepsThoseWhoAreInWhenLimitsShrink) {
  Admission admission{{.total = 3, .per_source = 3}};
  std::vector<std::variant<Admission::Ticket, Reason>> in;
  for (int i = 0; i < 3; ++i) in.push_back(admission.admit(address(1), {}));
  admission.set_limits({.total = 1, .per_source = 1});
  EXPECT_EQ(admission.open(), 3U);
  in.erase(in.begin(), in.begin() + 2);
  EXPECT_EQ(outcome(admission.admit(address(2), {})), "limit_total");
  in.clear();
  EXPECT_EQ(outcome(admission.admit(address(2), {})), "admitted");
}

/// The second version, too simple to be wrong: it counts by looking at everybody.
struct Model {
  struct Place {
    std::uint32_t source;
    std::string service;
  };
  std::vector<Place> places;

  std::uint32_t count(auto matches) const {
    return static_cast<std::uint32_t>(std::count_if(places.begin(), places.end(), matches));
  }
  std::string_view admit(std::uint32_t source, const ServiceLimits& service,
                         const AdmissionLimits& limits) const {
    const auto same_source = [&](const Place& place) { return place.source == source; };
    const auto same_service = [&](const Place& place) { return place.service == service.service; };
    if (places.size() >= limits.total) return "limit_total";
    if (count(same_source) >= limits.per_source) return "limit_source";
    if (service.total != 0 && count(same_service) >= service.total) return "limit_service";
    if (service.per_source != 0 &&
        count([&](const Place& p) { return same_source(p) && same_service(p); }) >= service.per_source) {
      return "limit_source";
    }
    return "admitted";
  }
};

TEST(AdmissionTest, AgreesWithASimpleModel) {
  const AdmissionLimits limits{.total = 40, .per_source = 9};
  const std::array<ServiceLimits, 3> services{
      ServiceLimits{.service = "a", .total = 12, .per_source = 3},
      ServiceLimits{.service = "b", .total = 0, .per_source = 5},
      ServiceLimits{.service = "c", .total = 20, .per_source = 0},
  };
  SimRandom random{7};
  Admission admission{limits};
  Model model;
  std::vector<Admission::Ticket> tickets;
  std::map<std::string_view, int> seen;
  for (int i = 0; i < 20'000; ++i) {
    if (!tickets.empty() && random.chance(0.45)) {
      const auto index = static_cast<std::ptrdiff_t>(random.between(0, tickets.size() - 1));
      tickets.erase(tickets.begin() + index);
      model.places.erase(model.places.begin() + index);
    } else {
      const auto source = static_cast<std::uint32_t>(random.between(0, 5));
      const ServiceLimits& service = services[random.between(0, 2)];
      const std::string_view expected = model.admit(source, service, limits);
      auto answer = admission.admit(address(source), service);
      ASSERT_EQ(outcome(answer), expected) << "operation " << i;
      ++seen[expected];
      if (expected == "admitted") {
        tickets.push_back(std::get<Admission::Ticket>(std::move(answer)));
        model.places.push_back({source, service.service});
      }
    }
    ASSERT_EQ(admission.open(), model.places.size());
  }
  EXPECT_EQ(seen.size(), 4U);  // every answer came
  tickets.clear();
  EXPECT_EQ(admission.open(), 0U);
}

TEST(AdmissionTest, KeepsItsCountsAmongManyThreads) {
  Admission admission{{.total = 50, .per_source = 20}};
  std::vector<std::thread> threads;
  std::atomic<std::uint32_t> most{0};
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&admission, &most, t] {
      SimRandom random{t};
      std::vector<Admission::Ticket> tickets;
      for (int i = 0; i < 5000; ++i) {
        if (random.chance(0.5) && !tickets.empty()) tickets.pop_back();
        auto answer = admission.admit(address(t), {.service = "web", .total = 45, .per_source = 15});
        if (auto* const ticket = std::get_if<Admission::Ticket>(&answer))
          tickets.push_back(std::move(*ticket));
        most = std::max(most.load(), admission.open());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admission.open(), 0U);
  EXPECT_LE(most, 45U);
  EXPECT_GE(most, 15U);
}

}  // namespace
}  // namespace penstock
