#include "proto/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <penstock/wire/frame.h>

#include <array>
#include <string>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

PortSet ports_of_text(std::initializer_list<PortRange> ranges) {
  PortSet ports;
  for (const PortRange& range : ranges) ports.add(range);
  return ports;
}

const Assignment kLegacy{{80, 443}, {53}, 60, std::nullopt};
const Assignment kOurs{{80, 443, 8000, 8001},
                       {53, 443, 5000},
                       300,
                       Assignment::Extension{1,
                                             {"reset", "carriers"},
                                             18446744073709551615ULL,
                                             7,
                                             0,
                                             {{"web", ports_of_text({{80, 80}, {443, 443}})},
                                              {"games", ports_of_text({{8000, 8001}})},
                                              {"dns", {}, ports_of_text({{53, 53}, {5000, 5000}}), 90s},
                                              {"quic", {}, ports_of_text({{443, 443}}), 24h},
                                              {"idle", {}}}}};

TEST(EdgeLine, BothWays) {
  const EdgeLine line{"edge-1", "s3cret"};

  EXPECT_EQ(to_line(line), "EDGE edge-1 s3cret\n");
  EXPECT_EQ(parse_edge_line("EDGE edge-1 s3cret").value(), line);
}

TEST(EdgeLine, TheLongestFits) {
  const EdgeLine line{std::string(64, 'e'), std::string(256, 's')};
  std::string text = to_line(line);

  EXPECT_LE(text.size(), wire::kMaxEdgeLine);
  text.pop_back();
  EXPECT_EQ(parse_edge_line(text).value(), line);
}

TEST(EdgeLine, RefusesNamingThePartAndNeverTheSecret) {
  struct Case {
    int number;
    std::string line;
    const char* part;
  };
  const std::array cases{
      Case{1, "", "does not begin with 'EDGE '"},
      Case{2, "edge a s3cret", "does not begin with 'EDGE '"},
      Case{3, "EDGEa s3cret", "does not begin with 'EDGE '"},
      Case{4, "EDGE s3cret", "no space between edge id and secret"},
      Case{5, "EDGE  s3cret", "the edge id"},
      Case{6, "EDGE a\x01 s3cret", "the edge id"},
      Case{7, "EDGE " + std::string(65, 'e') + " s3cret", "the edge id"},
      Case{8, "EDGE a ", "the secret"},
      Case{9, "EDGE a  s3cret", "the secret"},
      Case{10, "EDGE a s3cret ", "the secret"},
      Case{11, "EDGE a s3cret\r", "the secret"},
      Case{12, "EDGE a s3cret" + std::string(251, 's'), "the secret"},
      Case{13, "EDGE a s3cret" + std::string(499, 's'), "longer than 512 bytes"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(c.number));
    const auto read = parse_edge_line(c.line);
    if (read) {
      ADD_FAILURE() << "was accepted";
      continue;
    }
    EXPECT_THAT(read.error().what, HasSubstr(c.part));
    EXPECT_THAT(read.error().what, Not(HasSubstr("s3cret")));
  }
}

TEST(Assignment, WritesThePublishedKeys) {
  EXPECT_EQ(to_line(kLegacy), R"({"listenPorts":[80,443],"listenPortsUdp":[53],"stunIntervalSecs":60})"
                              "\n");
}

TEST(Assignment, WritesTheExtension) {
  EXPECT_EQ(
      to_line(kOurs),
      R"({"listenPorts":[80,443,8000,8001],"listenPortsUdp":[53,443,5000],"stunIntervalSecs":300,"penstock":{)"
      R"("version":1,"features":["reset","carriers"],"instance":"18446744073709551615","generation":"7",)"
      R"("services":[{"name":"web","ports":["80","443"]},{"name":"games","ports":["8000-8001"]},)"
      R"({"name":"dns","ports":[],"udp":["53","5000"],"udp_idle_ms":90000},)"
      R"({"name":"quic","ports":[],"udp":["443"],"udp_idle_ms":86400000},{"name":"idle","ports":[]}]}})"
      "\n");
}

TEST(Assignment, ReadsWhatItWrites) {
  for (const Assignment& assignment : {kLegacy, kOurs, Assignment{}}) {
    std::string line = to_line(assignment);
    EXPECT_EQ(parse_assignment(line).value(), assignment);
    line.pop_back();
    EXPECT_EQ(parse_assignment(line).value(), assignment);
  }
}

TEST(Assignment, ReadsWhatAnOlderHubSays) {
  EXPECT_EQ(parse_assignment(R"({"listenPorts":[80]})").value(), (Assignment{{80}, {}, 300, std::nullopt}));
}

TEST(Assignment, IgnoresKeysItDoesNotKnow) {
  EXPECT_EQ(
      parse_assignment(R"({"listenPorts":[],"firewall":{"a":[1]},"penstock":{"version":9,"features":[],)"
                       R"("instance":"1","generation":"2","services":[],"later":null}})")
          .value(),
      (Assignment{{}, {}, 300, Assignment::Extension{9, {}, 1, 2, {}}}));
}

TEST(Assignment, AServiceWithoutUdpPortsHasNoIdleTimeEither) {
  const std::string before =
      R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"2","services":[)";
  for (const std::string_view service :
       {R"({"name":"a","ports":["80"]})", R"({"name":"a","ports":["80"],"udp":[]})",
        R"({"name":"a","ports":["80"],"udp":[],"udp_idle_ms":60000})"}) {
    const auto read = parse_assignment(before + std::string{service} + "]}}");
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->penstock->services, (std::vector{AssignedService{"a", ports_of_text({{80, 80}})}}));
  }
}

TEST(Assignment, TellsHowManyCarriersATunnelMayHave) {
  Assignment assignment;
  assignment.penstock = Assignment::Extension{.features = {}, .carriers = 5, .services = {}};
  EXPECT_EQ(parse_assignment(to_line(assignment)).value(), assignment);
  assignment.penstock->carriers = 0;
  EXPECT_EQ(to_line(assignment).find("carriers"), std::string::npos);
  EXPECT_EQ(parse_assignment(to_line(assignment)).value(), assignment);
  const auto wrong = parse_assignment(
      R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"2",)"
      R"("carriers":0,"services":[]}})");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().what.find("carriers"), std::string::npos) << wrong.error().what;
}

TEST(Assignment, TellsWhereAServiceMayGoWithoutTheHub) {
  Assignment assignment;
  assignment.penstock = Assignment::Extension{.features = {}, .services = {}};
  using enum DirectService::Header;
  for (const DirectService::Header header : {kNone, kEvery, kFirst, kSeparate}) {
    assignment.penstock->services.push_back(
        {.name = "s" + std::to_string(static_cast<int>(header)),
         .udp_ports = ports_of_text({{53, 53}}),
         .udp_idle = 60s,
         .direct =
             DirectService{.addresses = {*IpAddress::parse("10.0.0.5"), *IpAddress::parse("2001:db8::5")},
                           .port = 7000,
                           .shifted = true,
                           .header = header,
                           .max_sessions = 10,
                           .max_sessions_per_source = 3,
                           .draining = true}});
  }
  assignment.listen_ports_udp = {53};
  const auto read = parse_assignment(to_line(assignment));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(*read, assignment);
  EXPECT_THAT(to_line(assignment),
              HasSubstr(R"("direct":{"addresses":["10.0.0.5","2001:db8::5"],"port":7000,"shifted":true,)"
                        R"("header":"none","max_sessions":10,"max_sessions_per_source":3,"draining":true})"));
}

TEST(Assignment, TellsOfATransparentWayByAKeyOfItsOwn) {
  Assignment assignment{.listen_ports = {}, .listen_ports_udp = {53}, .penstock = Assignment::Extension{}};
  assignment.penstock->services.push_back(
      {.name = "s",
       .udp_ports = ports_of_text({{53, 53}}),
       .udp_idle = 60s,
       .direct = DirectService{.addresses = {*IpAddress::parse("10.0.0.5")},
                               .port = 7000,
                               .transparent = true,
                               .max_sessions = 10}});
  const auto read = parse_assignment(to_line(assignment));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(*read, assignment);
  EXPECT_THAT(to_line(assignment),
              HasSubstr(R"("transparent":{"addresses":["10.0.0.5"],"port":7000,"shifted":false,)"
                        R"("max_sessions":10,"max_sessions_per_source":0,"draining":false})"));
}

TEST(Assignment, RefusesAWayThatItCannotRead) {
  const auto error_of = [](std::string_view direct) {
    const auto read = parse_assignment(
        R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"1","services":[)"
        R"({"name":"a","ports":[],"udp":["53"],"udp_idle_ms":1,"direct":)" +
        std::string{direct} + "}]}}");
    return read ? std::string{} : read.error().what;
  };
  EXPECT_THAT(error_of("null"), HasSubstr("key 'penstock.services[0].direct' must be an object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("direct.addresses' is missing"));
  EXPECT_THAT(error_of(R"({"addresses":["host"]})"), HasSubstr("direct.addresses[0]' is no IP address"));
  EXPECT_THAT(error_of(R"({"addresses":[],"port":65536})"), HasSubstr("direct.port' must be an integer"));
  EXPECT_THAT(error_of(R"({"addresses":[],"port":1,"shifted":false,"header":"all"})"),
              HasSubstr("direct.header' is none of"));
}

TEST(Assignment, TellsItsPorts) {
  EXPECT_EQ(ports_of(kLegacy), ports_of_text({{80, 80}, {443, 443}}));
  EXPECT_EQ(ports_of(kOurs), ports_of_text({{80, 80}, {443, 443}, {8000, 8001}}));
  EXPECT_EQ(ports_of(Assignment{{9, 7, 8, 65535, 7, 1, 11}, {}, 300, {}}).to_string(), "1,7-9,11,65535");
  EXPECT_EQ(ports_of(Assignment{}).to_string(), "none");
  EXPECT_EQ(udp_ports_of(kLegacy).to_string(), "53");
  EXPECT_EQ(udp_ports_of(kOurs).to_string(), "53,443,5000");
  EXPECT_EQ(udp_ports_of(Assignment{{80}, {5, 4, 9}, 300, {}}).to_string(), "4-5,9");
  EXPECT_EQ(udp_ports_of(Assignment{{80}, {}, 300, {}}).to_string(), "none");
}

/// An assignment of one service, with those keys besides name and ports.
std::string with_service(std::string_view keys) {
  return R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"1","services":[)"
         R"({"name":"a","ports":[],)" +
         std::string{keys} + "}]}}";
}

TEST(Assignment, RefusesNamingTheKey) {
  struct Case {
    int number;
    std::string json;
    const char* part;
  };
  const std::array cases{
      Case{1, "", "not JSON, at byte 0: incomplete JSON"},
      Case{2, "{", "not JSON, at byte 1: incomplete JSON"},
      Case{3, R"({"listenPorts":[80]}{)", "not JSON, at byte 20: extra data"},
      Case{4, "[80]", "not a JSON object"},
      Case{5, "{}", "key 'listenPorts' is missing"},
      Case{6, R"({"listenPorts":80})", "key 'listenPorts' must be an array"},
      Case{7, R"({"listenPorts":[80,"81"]})", "key 'listenPorts[1]' must be an integer from 1 to 65535"},
      Case{8, R"({"listenPorts":[0]})", "key 'listenPorts[0]' must be an integer"},
      Case{9, R"({"listenPorts":[65536]})", "key 'listenPorts[0]' must be an integer"},
      Case{10, R"({"listenPorts":[-80]})", "key 'listenPorts[0]' must be an integer"},
      Case{11, R"({"listenPorts":[80.5]})", "key 'listenPorts[0]' must be an integer"},
      Case{12, R"({"listenPorts":[],"listenPortsUdp":{}})", "key 'listenPortsUdp' must be an array"},
      Case{13, R"({"listenPorts":[],"stunIntervalSecs":"300"})", "key 'stunIntervalSecs' must be an integer"},
      Case{14, R"({"listenPorts":[],"stunIntervalSecs":4294967296})",
           "key 'stunIntervalSecs' must be an integer"},
      Case{15, R"({"listenPorts":[],"penstock":null})", "key 'penstock' must be an object"},
      Case{16, R"({"listenPorts":[],"penstock":{}})", "key 'penstock.version' is missing"},
      Case{17, R"({"listenPorts":[],"penstock":{"version":0}})",
           "key 'penstock.version' must be an integer from 1"},
      Case{18, R"({"listenPorts":[],"penstock":{"version":1}})", "key 'penstock.features' is missing"},
      Case{19, R"({"listenPorts":[],"penstock":{"version":1,"features":[""]}})",
           "key 'penstock.features[0]' must be 1"},
      Case{20, R"({"listenPorts":[],"penstock":{"version":1,"features":[]}})",
           "key 'penstock.instance' is missing"},
      Case{21, R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":5}})",
           "key 'penstock.instance' must be a string of decimal digits"},
      Case{22,
           R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"18446744073709551616"}})",
           "key 'penstock.instance' must be a string of decimal digits"},
      Case{23, R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1"}})",
           "key 'penstock.generation' is missing"},
      Case{24, R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"1"}})",
           "key 'penstock.services' is missing"},
      Case{
          25,
          R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"1","services":[{}]}})",
          "key 'penstock.services[0].name' is missing"},
      Case{
          26,
          R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"1","services":[
              {"name":"a","ports":[]},{"name":"a b","ports":[]}]}})",
          "key 'penstock.services[1].name' must be 1 to 64 letters"},
      Case{
          27,
          R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"1","services":[
              {"name":"a","ports":["80","90-80"]}]}})",
          "key 'penstock.services[0].ports[1]' must be a port or range"},
      Case{
          28,
          R"({"listenPorts":[],"penstock":{"version":1,"features":[],"instance":"1","generation":"1","services":[
              {"name":"a","ports":[80]}]}})",
          "key 'penstock.services[0].ports[0]' must be a string"},
      Case{29, R"({"listenPorts":[],"x":[[[[[[[[]]]]]]]]})", "not JSON, at byte"},
      Case{30, R"({"listenPorts":[],"listenPortsUdp":[53,0]})",
           "key 'listenPortsUdp[1]' must be an integer from 1 to 65535"},
      Case{31, with_service(R"("udp":"53")"), "key 'penstock.services[0].udp' must be an array"},
      Case{32, with_service(R"("udp":["0"],"udp_idle_ms":1)"),
           "key 'penstock.services[0].udp[0]' must be a port or range"},
      Case{33, with_service(R"("udp":["53"])"), "key 'penstock.services[0].udp_idle_ms' is missing"},
      Case{34, with_service(R"("udp":["53"],"udp_idle_ms":0)"),
           "key 'penstock.services[0].udp_idle_ms' must be an integer from 1 to 86400000"},
      Case{35, with_service(R"("udp":["53"],"udp_idle_ms":86400001)"),
           "key 'penstock.services[0].udp_idle_ms' must be an integer from 1 to 86400000"},
      Case{36, with_service(R"("udp":["53"],"udp_idle_ms":"60s")"),
           "key 'penstock.services[0].udp_idle_ms' must be an integer"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(c.number));
    const auto read = parse_assignment(c.json);
    if (read) {
      ADD_FAILURE() << "was accepted";
      continue;
    }
    EXPECT_THAT(read.error().what, HasSubstr(c.part));
  }
}

TEST(Assignment, RefusesMoreThanOneMiB) {
  const auto read = parse_assignment(R"({"listenPorts":[]})" + std::string(1U << 20, ' '));

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, make_error_code(Errc::kLimit));
}

TEST(Refusal, BothWays) {
  const Refusal refusal{"auth_failed", "unknown edge or wrong secret"};

  EXPECT_EQ(to_line(refusal), R"({"error":"auth_failed","message":"unknown edge or wrong secret"})"
                              "\n");
  EXPECT_EQ(parse_refusal(to_line(refusal)), refusal);
}

TEST(Refusal, IsSafeToPrint) {
  EXPECT_EQ(parse_refusal(R"({"error":"a b","message":"\u001b[2J"})"), (Refusal{"unknown", "\\x1b[2J"}));
  EXPECT_EQ(parse_refusal(R"({"error":"x","message":")" + std::string(300, 'm') + "\"}"),
            (Refusal{"x", std::string(200, 'm')}));
  EXPECT_EQ(parse_refusal(R"({"error":"x"})"), (Refusal{"x", ""}));
}

TEST(Refusal, OtherLinesAreNone) {
  EXPECT_FALSE(parse_refusal(""));
  EXPECT_FALSE(parse_refusal("no"));
  EXPECT_FALSE(parse_refusal("[]"));
  EXPECT_FALSE(parse_refusal(R"({"error":5})"));
  EXPECT_FALSE(parse_refusal(to_line(kLegacy)));
  EXPECT_FALSE(parse_refusal(to_line(kOurs)));
}

}  // namespace
}  // namespace penstock
