// Environment variables and flags.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sections.h"
#include "unit/config/parsing.h"

namespace penstock {
namespace {

using testing::HasSubstr;

constexpr std::string_view kHub = "[hub]\n[limits]\nflows = 100\n";

TEST(Override, FlagWinsOverEnvironmentWinsOverFile) {
  EXPECT_EQ(parsed(kHub).limits.flows, 100U);
  EXPECT_EQ(parsed(kHub, {{"PENSTOCK_LIMITS__FLOWS", "200"}}).limits.flows, 200U);
  EXPECT_EQ(parsed(kHub, {{"PENSTOCK_LIMITS__FLOWS", "200"}}, {{"limits.flows", "300"}}).limits.flows, 300U);
}

TEST(Override, TakesEveryTypeOfScalar) {
  const Config config = parsed("[hub]\n",
                               {{"PENSTOCK_NODE__DRAIN", "5s"},
                                {"PENSTOCK_ADMIN__HTTP_PUBLIC", "true"},
                                {"PENSTOCK_ADMIN__HTTP", "[::]:9090"},
                                {"PENSTOCK_LIMITS__SOURCE_PREFIX_V4", "24"},
                                {"PENSTOCK_LIMITS__SESSIONS", "1000"},
                                {"PENSTOCK_FLOW__UNREPLIED", "5s"},
                                {"PENSTOCK_STEERING__MODE", "socket"},
                                {"PENSTOCK_GUARD__NEW_TOTAL_RATE", "0"}},
                               {{"limits.window_budget", "1GiB"},
                                {"limits.datagram_queue", "2MiB"},
                                {"tunnel.send_queue", "65536"},
                                {"steering.network", "10.0.0.0/8"},
                                {"hub.public", "h:1"}});

  EXPECT_EQ(config.node.drain, 5s);
  EXPECT_TRUE(config.admin.http_public);
  EXPECT_EQ(config.admin.http, *Endpoint::parse("[::]:9090"));
  EXPECT_EQ(config.limits.source_prefix_v4, 24);
  EXPECT_EQ(config.limits.sessions, 1000U);
  EXPECT_EQ(config.flow.unreplied, 5s);
  EXPECT_EQ(config.steering.mode, SteeringConfig::Mode::kSocket);
  EXPECT_EQ(config.steering.network, *IpAddress::parse("10.0.0.0"));
  EXPECT_EQ(config.steering.network_bits, 8);
  EXPECT_EQ(config.guard.new_total_rate, 0U);
  EXPECT_EQ(config.limits.window_budget, 1U << 30);
  EXPECT_EQ(config.limits.datagram_queue, 2U << 20);
  EXPECT_EQ(config.tunnel.send_queue, 65536U);
  EXPECT_EQ(config.hub->public_address, (HostPort{"h", 1}));
}

TEST(Override, TakesEveryScalarKeyAndNoOther) {
  for (const KeyInfo& key : known_keys()) {
    const std::string what = refusal("[hub]\n", {}, {{key.path, "\x01"}});
    const std::string told = "--set " + key.path + ": " + key.path + ": ";
    EXPECT_THAT(
        what, HasSubstr(told + (key.scalar && !key.repeated ? "\"\\x01\"" : "is a list or belongs to one")));
  }
}

TEST(Override, EmptyTextTurnsOffWhatTheFileTurnedOn) {
  const Config config = parsed("[hub]\npublic = \"h:1\"\n[admin]\nhttp = \"127.0.0.1:1\"\n",
                               {{"PENSTOCK_HUB__PUBLIC", ""}}, {{"admin.http", ""}});

  EXPECT_FALSE(config.hub->public_address);
  EXPECT_FALSE(config.admin.http);
}

TEST(Override, TokenFileAloneMakesAnEdge) {
  EXPECT_EQ(parsed("", {{"PENSTOCK_TOKEN_FILE", "/t"}}).edge->token_file, "/t");
  EXPECT_EQ(parsed("", {{"PENSTOCK_EDGE__TOKEN_FILE", "/t"}}).edge->token_file, "/t");
  EXPECT_THAT(
      refusal("", {{"PENSTOCK_TOKEN_FILE", "/t"}, {"PENSTOCK_EDGE__TOKEN_FILE", "/u"}}),
      HasSubstr("environment PENSTOCK_TOKEN_FILE: edge.token_file: is set by PENSTOCK_EDGE__TOKEN_FILE too"));
}

TEST(Override, IgnoresVariablesOfOthersAndOfTheTools) {
  parsed(
      "[hub]\n",
      {{"PATH", "x"}, {"penstock_limits__flows", "x"}, {"PENSTOCK_SOCKET", "x"}, {"PENSTOCK_CONFIG", "x"}});
}

TEST(Override, RefusesWhatIsNoSetting) {
  EXPECT_THAT(refusal("[hub]\n", {{"PENSTOCK_FLOWS", "1"}}),
              HasSubstr("environment PENSTOCK_FLOWS: is no setting"));
  EXPECT_THAT(refusal("[hub]\n", {{"PENSTOCK_LIMITS__flows", "1"}}),
              HasSubstr("PENSTOCK_LIMITS__flows: is no setting"));
  EXPECT_THAT(refusal("[hub]\n", {{"PENSTOCK_LIMITS__", "1"}}),
              HasSubstr("PENSTOCK_LIMITS__: is no setting"));
  EXPECT_THAT(refusal("[hub]\n", {}, {{"limits", "1"}}), HasSubstr("--set limits: is no setting"));
  EXPECT_THAT(refusal("[hub]\n", {}, {{"", "1"}}), HasSubstr("is no setting"));
}

TEST(Override, ErrorsNameTheVariableOrFlag) {
  EXPECT_THAT(refusal(kHub, {{"PENSTOCK_LIMITS__FLOWS", "many"}}),
              HasSubstr("environment PENSTOCK_LIMITS__FLOWS: limits.flows: \"many\" will not do"));
  EXPECT_THAT(refusal(kHub, {}, {{"limits.flows", ""}}),
              HasSubstr("--set limits.flows: limits.flows: \"\" will not do"));
  // Also where two keys contradict each other.
  EXPECT_THAT(refusal(kHub, {}, {{"tunnel.timeout", "1s"}}),
              HasSubstr("--set tunnel.timeout: tunnel.timeout: 1s gives"));
}

TEST(Override, LeavesASectionThatIsNoTableToTheFilesOwnErrors) {
  EXPECT_THAT(refusal("limits = 1\n[hub]\n", {{"PENSTOCK_LIMITS__FLOWS", "1"}}),
              HasSubstr("p.toml:1: limits: is not a section"));
}

}  // namespace
}  // namespace penstock
