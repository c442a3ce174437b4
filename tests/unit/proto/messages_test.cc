#include "proto/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <penstock/wire/frame.h>

#include <array>
#include <string>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Reset, BothWays) {
  const ResetMessage message{PST_R_NOT_ASSIGNED, "port 22"};

  EXPECT_EQ(to_hex(to_bytes(message)), "0017706f7274203232");
  EXPECT_EQ(parse_reset(to_bytes(message)).value(), message);
  EXPECT_EQ(parse_reset(to_bytes(ResetMessage{})).value(), ResetMessage{});
}

TEST(Reset, TextIsCutAndMadePrintable) {
  const auto bytes = to_bytes(ResetMessage{PST_R_BAD_OPEN, std::string(199, 'x') + "\n"});

  EXPECT_EQ(bytes.size(), wire::kMaxReset);
  EXPECT_EQ(parse_reset(bytes)->text, std::string(199, 'x') + "\\");
  EXPECT_EQ(parse_reset(as_bytes(std::string_view{"\0\x25\x1b[", 4})).value(),
            (ResetMessage{PST_R_BAD_OPEN, "\\x1b["}));
}

TEST(Reset, AnUnknownReasonIsUnknown) {
  EXPECT_EQ(parse_reset(as_bytes("\x7f\xff"))->reason, PST_R_UNKNOWN);
  EXPECT_EQ(parse_reset(as_bytes(std::string_view{"\0\x02", 2}))->reason, PST_R_UNKNOWN);
}

TEST(Reset, RefusesOtherSizes) {
  EXPECT_THAT(parse_reset(as_bytes("a")).error().what, HasSubstr("1 bytes is not 2 to 202 long"));
  EXPECT_THAT(parse_reset(as_bytes(std::string(203, 'a'))).error().what,
              HasSubstr("203 bytes is not 2 to 202"));
}

TEST(GoAway, BothWays) {
  const GoAwayMessage message{PST_R_REPLACED, 30s, "by another instance"};

  EXPECT_EQ(to_hex(to_bytes(GoAwayMessage{PST_R_REPLACED, 30s, ""})), "004b00007530");
  EXPECT_EQ(parse_go_away(to_bytes(message)).value(), message);
}

TEST(GoAway, TheWaitIsClamped) {
  EXPECT_EQ(parse_go_away(to_bytes(GoAwayMessage{PST_R_DRAINING, -1ms, ""}))->retry_after, 0ms);
  EXPECT_EQ(parse_go_away(to_bytes(GoAwayMessage{PST_R_DRAINING, 24h * 100, ""}))->retry_after, 4294967295ms);
}

TEST(GoAway, RefusesOtherSizes) {
  EXPECT_THAT(parse_go_away(as_bytes("abcde")).error().what, HasSubstr("5 bytes is not 6 to 206 long"));
  EXPECT_THAT(parse_go_away(as_bytes(std::string(207, 'a'))).error().what,
              HasSubstr("207 bytes is not 6 to 206"));
}

const HelloMessage kHello{
    1, "edge", true, 18446744073709551615ULL, 1, 2, {"carriers", "reset"}, "penstock 0.1.0"};

TEST(Hello, BothWays) {
  EXPECT_EQ(
      to_json(kHello),
      R"({"version":1,"role":"edge","dialer":true,"instance":"18446744073709551615","carrier":1,"carriers":2,)"
      R"("features":["carriers","reset"],"software":"penstock 0.1.0"})");
  EXPECT_EQ(parse_hello(to_json(kHello)).value(), kHello);
  EXPECT_EQ(parse_hello(to_json(HelloMessage{})).value(), HelloMessage{});
}

TEST(Hello, TheLongestFitsItsFrame) {
  constexpr std::uint32_t kMost = 4294967295;
  const HelloMessage message{kMost,
                             "edge",
                             false,
                             18446744073709551615ULL,
                             kMost - 1,
                             kMost,
                             std::vector<std::string>(wire::kMaxFeatures, std::string(64, 'f')),
                             std::string(200, '"')};

  EXPECT_LE(to_json(message).size(), wire::kMaxHello);
  EXPECT_EQ(parse_hello(to_json(message)).value(), message);
}

TEST(Hello, RefusesNamingTheKey) {
  struct Case {
    int number;
    const char* key;    // what to take out of the good message ...
    const char* value;  // ... and to put in its place; empty: nothing
    const char* part;
  };
  const std::array cases{
      Case{1, R"("version":1,)", "", "key 'version' is missing"},
      Case{2, R"("version":1)", R"("version":0)", "key 'version' must be an integer from 1 to 4294967295"},
      Case{3, R"("version":1)", R"("version":"1")", "key 'version' must be an integer"},
      Case{4, R"("role":"edge",)", "", "key 'role' is missing"},
      Case{5, R"("role":"edge")", R"("role":"relay")", "key 'role' must be \"edge\" or \"hub\""},
      Case{6, R"("role":"edge")", R"("role":null)", "key 'role' must be a string"},
      Case{7, R"("dialer":true,)", "", "key 'dialer' is missing"},
      Case{8, R"("dialer":true)", R"("dialer":1)", "key 'dialer' must be true or false"},
      Case{9, R"("instance":"18446744073709551615",)", "", "key 'instance' is missing"},
      Case{10, R"("instance":"18446744073709551615")", R"("instance":"0x1")",
           "key 'instance' must be a string of"},
      Case{11, R"("instance":"18446744073709551615")", R"("instance":"")",
           "key 'instance' must be a string of"},
      Case{12, R"("carrier":1,)", "", "key 'carrier' is missing"},
      Case{13, R"("carrier":1,)", R"("carrier":2,)", "key 'carrier' must be less than 'carriers'"},
      Case{14, R"("carrier":1,)", R"("carrier":-1,)", "key 'carrier' must be an integer from 0"},
      Case{15, R"("carriers":2,)", "", "key 'carriers' is missing"},
      Case{16, R"("carriers":2,)", R"("carriers":0,)", "key 'carriers' must be an integer from 1"},
      Case{17, R"("features":["carriers","reset"],)", "", "key 'features' is missing"},
      Case{18, R"("features":["carriers","reset"])", R"("features":"reset")",
           "key 'features' must be an array"},
      Case{19, R"("features":["carriers","reset"])", R"("features":["a",1])",
           "key 'features[1]' must be a string"},
      Case{20, R"("features":["carriers","reset"])", R"("features":["-"])",
           "key 'features[0]' must be 1 to 64"},
      Case{21, R"(,"software":"penstock 0.1.0")", "", "key 'software' is missing"},
      Case{22, R"("software":"penstock 0.1.0")", R"("software":0.1)", "key 'software' must be a string"},
      Case{23, R"({"version":1)", R"("version":1)", "not JSON, at byte"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(c.number));
    std::string json = to_json(kHello);
    ASSERT_NE(json.find(c.key), std::string::npos);
    json.replace(json.find(c.key), std::string_view{c.key}.size(), c.value);
    const auto read = parse_hello(json);
    if (read) {
      ADD_FAILURE() << "was accepted";
      continue;
    }
    EXPECT_THAT(read.error().what, HasSubstr(c.part));
  }
}

TEST(Hello, RefusesMoreThanItsLimits) {
  EXPECT_THAT(parse_hello(std::string(4097, ' ')).error().what, HasSubstr("4097 bytes is longer than 4096"));
  HelloMessage message;
  message.features.assign(33, "f");
  EXPECT_THAT(parse_hello(to_json(message)).error().what,
              HasSubstr("key 'features' has more than 32 elements"));
}

ConfigResultMessage config_result() {
  ConfigResultMessage message{
      .generation = 7,
      .failed = {{{22, 22}, PST_R_PORT_DENIED, "denied by ports.deny"}, {{90, 95}, PST_R_PORT_IN_USE, ""}}};
  message.ok.add({80, 80});
  message.ok.add({8000, 8100});
  return message;
}

TEST(ConfigResult, BothWays) {
  EXPECT_EQ(to_json(config_result()),
            R"({"generation":"7","ok":["80","8000-8100"],"failed":[{"ports":"22","reason":"port_denied",)"
            R"("message":"denied by ports.deny"},{"ports":"90-95","reason":"port_in_use","message":""}]})");
  EXPECT_EQ(parse_config_result(to_json(config_result())).value(), config_result());
  EXPECT_EQ(parse_config_result(to_json(ConfigResultMessage{})).value(), ConfigResultMessage{});
}

TEST(ConfigResult, BothWaysWithUdp) {
  ConfigResultMessage message = config_result();
  message.udp_ok.add({53, 53});
  message.udp_ok.add({80, 80});
  message.failed[1].udp = true;

  EXPECT_EQ(to_json(message),
            R"({"generation":"7","ok":["80","8000-8100"],"udp_ok":["53","80"],"failed":[{"ports":"22",)"
            R"("reason":"port_denied","message":"denied by ports.deny"},{"ports":"90-95","protocol":"udp",)"
            R"("reason":"port_in_use","message":""}]})");
  EXPECT_EQ(parse_config_result(to_json(message)).value(), message);
}

TEST(ConfigResult, AFailureIsOfTcpUnlessItSaysUdp) {
  const auto read =
      parse_config_result(R"({"generation":"7","ok":[],"failed":[{"ports":"1","reason":"x","message":""},)"
                          R"({"ports":"2","protocol":"tcp","reason":"x","message":""},)"
                          R"({"ports":"3","protocol":"udp","reason":"x","message":""}]})");

  ASSERT_TRUE(read) << read.error().what;
  ASSERT_EQ(read->failed.size(), 3U);
  EXPECT_FALSE(read->failed[0].udp);
  EXPECT_FALSE(read->failed[1].udp);
  EXPECT_TRUE(read->failed[2].udp);
}

TEST(ConfigResult, AReasonThatWeDoNotKnowIsUnknown) {
  const auto read = parse_config_result(
      R"({"generation":"7","ok":[],"failed":[{"ports":"22","reason":"later","message":""}]})");

  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->failed, (std::vector<PortFailure>{{{22, 22}, PST_R_UNKNOWN, ""}}));
}

TEST(ConfigResult, TheLongestFitsAFrame) {
  ConfigResultMessage message{.generation = 18446744073709551615ULL};
  for (std::uint32_t port = 1; port <= 65535; port += 2) {
    const auto number = static_cast<std::uint16_t>(port);
    message.ok.add({number, number});
    message.failed.push_back({{number, number}, PST_R_ACCEPT_FAILED, std::string(300, '"')});
  }
  const std::string json = to_json(message);

  EXPECT_LE(json.size(), wire::kMaxJson);
  const auto read = parse_config_result(json);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->ok, message.ok);
  EXPECT_EQ(read->failed.size(), wire::kMaxPortFailures);
}

TEST(ConfigResult, LeavesOutFailuresThatAFrameHasNoRoomFor) {
  ConfigResultMessage message{.generation = 18446744073709551615ULL};
  for (std::uint32_t port = 1; port + 1 <= 65535; port += 3) {
    const PortRange pair{static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(port + 1)};
    message.ok.add(pair);
    message.udp_ok.add(pair);
    message.failed.push_back({pair, PST_R_ACCEPT_FAILED, std::string(300, '"'), true});
  }
  const std::string json = to_json(message);

  EXPECT_LE(json.size(), wire::kMaxJson);
  EXPECT_GT(json.size(), wire::kMaxJson - 1024) << "none is left out that would fit";
  const auto read = parse_config_result(json);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->ok, message.ok);
  EXPECT_EQ(read->udp_ok, message.udp_ok);
  EXPECT_LT(read->failed.size(), wire::kMaxPortFailures);
}

TEST(ConfigResult, RefusesNamingTheKey) {
  struct Case {
    int number;
    const char* json;
    const char* part;
  };
  const std::array cases{
      Case{1, "null", "not a JSON object"},
      Case{2, R"({"ok":[],"failed":[]})", "key 'generation' is missing"},
      Case{3, R"({"generation":7,"ok":[],"failed":[]})",
           "key 'generation' must be a string of decimal digits"},
      Case{4, R"({"generation":"7","failed":[]})", "key 'ok' is missing"},
      Case{5, R"({"generation":"7","ok":["0"],"failed":[]})", "key 'ok[0]' must be a port or range"},
      Case{6, R"({"generation":"7","ok":[80],"failed":[]})", "key 'ok[0]' must be a string"},
      Case{7, R"({"generation":"7","ok":[]})", "key 'failed' is missing"},
      Case{8, R"({"generation":"7","ok":[],"failed":[22]})", "key 'failed[0]' must be an object"},
      Case{9, R"({"generation":"7","ok":[],"failed":[{"reason":"x","message":""}]})",
           "key 'failed[0].ports' is missing"},
      Case{10, R"({"generation":"7","ok":[],"failed":[{"ports":"1","message":""}]})",
           "key 'failed[0].reason' is missing"},
      Case{11, R"({"generation":"7","ok":[],"failed":[{"ports":"1","reason":"x"}]})",
           "key 'failed[0].message' is missing"},
      Case{12, R"({"generation":"7","ok":[],"failed":[{"ports":"1","reason":1,"message":""}]})",
           "key 'failed[0].reason' must be a string"},
      Case{13, R"({"generation":"7","ok":[],"udp_ok":"53","failed":[]})", "key 'udp_ok' must be an array"},
      Case{14, R"({"generation":"7","ok":[],"udp_ok":["0"],"failed":[]})",
           "key 'udp_ok[0]' must be a port or range"},
      Case{
          15,
          R"({"generation":"7","ok":[],"failed":[{"ports":"1","protocol":"sctp","reason":"x","message":""}]})",
          "key 'failed[0].protocol' must be \"tcp\" or \"udp\""},
      Case{16,
           R"({"generation":"7","ok":[],"failed":[{"ports":"1","protocol":7,"reason":"x","message":""}]})",
           "key 'failed[0].protocol' must be a string"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(c.number));
    const auto read = parse_config_result(c.json);
    if (read) {
      ADD_FAILURE() << "was accepted";
      continue;
    }
    EXPECT_THAT(read.error().what, HasSubstr(c.part));
  }
}

TEST(PeerText, IsPrintableAndShortAndStaysSo) {
  EXPECT_EQ(peer_text("plain"), "plain");
  EXPECT_EQ(peer_text("a\tb"), "a\\x09b");
  const std::string cut = peer_text(std::string(500, '\n'));
  EXPECT_EQ(cut.size(), 200U);
  EXPECT_EQ(peer_text(cut), cut);
}

// ------------------------------------------------------------------------------------------------ REPORT

TEST(Report, SurvivesTheRoundTripWithItsLargestNumbers) {
  const ReportMessage report{
      .datagrams = {.sent = UINT64_MAX, .sent_bytes = 2, .received = 3, .received_bytes = 4},
      .streams = {.sent_bytes = 5, .received_bytes = UINT64_MAX}};
  EXPECT_EQ(parse_report(to_json(report)).value(), report);
  EXPECT_EQ(
      to_json(report),
      R"({"datagrams":{"sent":"18446744073709551615","sent_bytes":"2","received":"3","received_bytes":"4"},)"
      R"("streams":{"sent_bytes":"5","received_bytes":"18446744073709551615"}})");
}

TEST(Report, MayLeaveOutEitherPartAndHaveMore) {
  EXPECT_EQ(parse_report("{}").value(), ReportMessage{});
  EXPECT_EQ(
      parse_report(R"({"streams":{"sent_bytes":"7","received_bytes":"8","more":1},"later":[]})").value(),
      (ReportMessage{.streams = {.sent_bytes = 7, .received_bytes = 8}}));
}

TEST(Report, NamesTheKeyThatIsWrong) {
  const auto why = [](std::string_view json) { return parse_report(json).error().what; };
  EXPECT_THAT(why(R"({"datagrams":{"sent":"1"}})"), HasSubstr("datagrams.sent_bytes"));
  EXPECT_THAT(why(R"({"streams":{"sent_bytes":5,"received_bytes":"1"}})"), HasSubstr("streams.sent_bytes"));
  EXPECT_THAT(why(R"({"streams":[]})"), HasSubstr("streams"));
  EXPECT_THAT(why(R"({"streams":{"sent_bytes":"18446744073709551616","received_bytes":"1"}})"),
              HasSubstr("streams.sent_bytes"));
}

}  // namespace
}  // namespace penstock
