// What the admin API answers about the guard, from real maps.
#include "node/guard_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <memory>

#include "unit/steering/bpf_maps.h"

namespace penstock {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

AdminRequest look(std::string_view target) {
  return {.method = "GET", .target = *RequestTarget::parse(target), .parameters = {}, .body = {}};
}
AdminRequest post(std::string body) {
  return {.method = "POST",
          .target = *RequestTarget::parse("/v1/guard"),
          .parameters = {},
          .body = std::move(body)};
}

class KeptEvents final : public Journal {
 public:
  void event(std::string_view name, json::object fields) override {
    fields["event"] = name;
    events.push_back(std::move(fields));
  }
  void access(const json::object&) override { ADD_FAILURE() << "no flow ended"; }

  std::vector<json::object> events;
};

class GuardRequestsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = test::why_no_bpf_maps(); !why.empty()) GTEST_SKIP() << why;
    settings_.emplace(test::raw_bpf_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(pst_settings), 1));
    guard_ = std::make_unique<GuardMaps>(
        GuardMaps::List{
            test::raw_bpf_map(BPF_MAP_TYPE_LPM_TRIE, sizeof(pst_prefix), sizeof(pst_guard_rule), 50)},
        GuardMaps::Guard{test::raw_bpf_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(pst_guard), 1)}, *settings_);
    RawBpfMap counters = test::raw_bpf_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(pst_count), 4 * PST_R_MAX);
    const std::uint32_t blocked = PST_R_BLOCKED;  // of the first program
    std::vector<pst_count> of_cpus(possible_cpus());
    of_cpus[0] = {.packets = 3, .bytes = 70};
    ASSERT_TRUE(counters.update(&blocked, of_cpus.data()));
    counts_.emplace(std::move(counters),
                    test::raw_bpf_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(pst_count), 1));
  }

  Result<json::object> changed_by(const AdminRequest& request) {
    return change_guard(*guard_, request, journal_);
  }
  json::object shown(std::string_view target) {
    const auto out = guard_json(*guard_, *counts_, look(target));
    EXPECT_TRUE(out) << out.error().what;
    return out ? *out : json::object{};
  }

  std::optional<GuardMaps::Settings> settings_;
  std::unique_ptr<GuardMaps> guard_;
  std::optional<PacketCounts> counts_;
  KeptEvents journal_;
};

TEST_F(GuardRequestsTest, ChangesInOrderAndTellsWhatChanged) {
  const auto changed = changed_by(
      post(R"({"rules":["block 192.0.2.0/24","allow 192.0.2.7","remove 192.0.2.7","block 192.0.2.7",)"
           R"("remove 198.51.100.1"]})"));

  ASSERT_TRUE(changed) << changed.error().what;
  EXPECT_EQ(*changed,
            json::parse(R"({"blocked":2,"allowed":1,"removed":1,"absent":1,"total":2})").as_object());
  EXPECT_EQ(
      shown("/v1/guard").at("rules"),
      json::parse(R"([{"prefix":"192.0.2.0/24","action":"block"},{"prefix":"192.0.2.7","action":"block"}])"));
  ASSERT_EQ(journal_.events.size(), 1U);
  EXPECT_EQ(
      journal_.events[0],
      json::parse(R"({"event":"guard_changed","blocked":2,"allowed":1,"removed":1,"absent":1,"total":2,)"
                  R"("rules":["block 192.0.2.0/24","allow 192.0.2.7","remove 192.0.2.7","block 192.0.2.7",)"
                  R"("remove 198.51.100.1"]})")
          .as_object());
}

TEST_F(GuardRequestsTest, TellsNobodyOfWhatChangedNothing) {
  ASSERT_TRUE(changed_by(post(R"({"rules":["remove 198.51.100.1"]})")));
  EXPECT_TRUE(journal_.events.empty());
}

TEST_F(GuardRequestsTest, AWrongRuleIsRefusedBeforeAnyIsApplied) {
  struct Row {
    const char* body;
    const char* told;
  };
  constexpr Row kRows[] = {
      {R"({})", "\"rules\" must be a list"},
      {R"({"rules":"block 192.0.2.1"})", "\"rules\" must be a list"},
      {R"({"rules":["block 192.0.2.1",7]})", "\"rules\" must be a list of strings"},
      {R"({"rules":["block 192.0.2.1","drop 192.0.2.2"]})", "\"drop 192.0.2.2\" is no rule"},
      {R"({"rules":["block 192.0.2.1","block"]})", "\"block\" is no rule"},
      {R"({"rules":["block 192.0.2.1","block 192.0.2.1/24"]})", "has bits behind the prefix"},
      {R"({"rule":["block 192.0.2.1"]})", "\"rule\" is not a key"},
  };
  for (const Row& row : kRows) {
    const auto changed = changed_by(post(row.body));
    ASSERT_FALSE(changed) << row.body;
    EXPECT_EQ(changed.error().code, Errc::kInvalid);
    EXPECT_THAT(changed.error().what, HasSubstr(row.told));
  }
  EXPECT_EQ(*guard_->size(), 0U);
  EXPECT_TRUE(journal_.events.empty());
}

TEST_F(GuardRequestsTest, RefusesMoreThanOneRequestMayHave) {
  json::array rules(20'001, json::value("remove 192.0.2.1"));
  const auto changed = changed_by(post(json::serialize(json::object{{"rules", rules}})));

  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().what, HasSubstr("more than 20000 elements: send them in parts"));
}

TEST_F(GuardRequestsTest, AFullListIsALimit) {
  json::array rules;
  for (int i = 0; i < 51; ++i) rules.emplace_back("block 192.0.2." + std::to_string(i));
  const auto changed = changed_by(post(json::serialize(json::object{{"rules", rules}})));

  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, Errc::kLimit);
}

TEST_F(GuardRequestsTest, TellsOfThePartOfAListThatCouldBeApplied) {
  // What removes ends a row of those that are set at once.
  json::array rules{"block 198.51.100.1", "remove 198.51.100.2"};
  for (int i = 0; i < 51; ++i) rules.emplace_back("block 192.0.2." + std::to_string(i));
  ASSERT_FALSE(changed_by(post(json::serialize(json::object{{"rules", rules}}))));

  ASSERT_EQ(journal_.events.size(), 1U);
  const json::object& told = journal_.events[0];
  EXPECT_EQ(told.at("blocked").to_number<int>(), 1);
  EXPECT_EQ(told.at("total").to_number<std::size_t>(), *guard_->size());
  EXPECT_EQ(told.at("rules").as_array().size(), 20U);
}

TEST_F(GuardRequestsTest, ShowsAsManyRulesAsAskedFor) {
  ASSERT_TRUE(changed_by(
      post(R"({"rules":["block 10.0.0.0/8","allow 10.1.0.0/16","block 11.0.0.0/8","block 12.0.0.0/8"]})")));

  const json::object two = shown("/v1/guard?limit=2");
  EXPECT_EQ(two.at("rules").as_array().size(), 2U);
  EXPECT_EQ(two.at("total").to_number<int>(), 4);
  EXPECT_EQ(two.at("most").to_number<int>(), 50);
  const json::object within = shown("/v1/guard?within=10.1.2.3&limit=1");
  EXPECT_EQ(within.at("rules"), json::parse(R"([{"prefix":"10.0.0.0/8","action":"block"}])"));
  EXPECT_EQ(within.at("total").to_number<int>(), 2);
  EXPECT_FALSE(guard_json(*guard_, *counts_, look("/v1/guard?within=x")));
  EXPECT_FALSE(guard_json(*guard_, *counts_, look("/v1/guard?limit=-1")));
}

TEST_F(GuardRequestsTest, ShowsLimitsAndDrops) {
  Config config;
  config.guard = {.source_rate = 9, .source_burst = 4, .new_source_rate = 0, .new_total_rate = 7};
  config.limits.source_prefix_v6 = 48;
  ASSERT_TRUE(guard_->set_limits(guard_limits(config)));

  const json::object guard = shown("/v1/guard");
  EXPECT_EQ(guard.at("limits"), json::parse(R"({"source":{"per_second":9,"burst":4},
    "service":{"per_second":0,"burst":0},"new_source":{"per_second":0,"burst":0},
    "new_total":{"per_second":7,"burst":7},"source_prefix_v4":32,"source_prefix_v6":48})"));
  EXPECT_EQ(guard.at("dropped").at("blocked"), json::parse(R"({"packets":3,"bytes":70})"));
  EXPECT_EQ(guard.at("dropped").as_object().size(), 5U);
}

TEST_F(GuardRequestsTest, ShowsPackets) {
  const auto packets = packets_json(*counts_);

  ASSERT_TRUE(packets) << packets.error().what;
  EXPECT_EQ(*packets,
            json::parse(R"({"packets":[{"program":"edge_xdp","reason":"blocked","packets":3,"bytes":70}]})")
                .as_object());
}

}  // namespace
}  // namespace penstock
