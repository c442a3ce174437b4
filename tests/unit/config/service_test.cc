#include "config/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Service service(std::string name, std::initializer_list<PortRange> ports,
                std::vector<std::string> edges = {"*"}) {
  Service made{.name = std::move(name), .edges = std::move(edges), .target = {"t"}};
  for (const PortRange& range : ports) made.ports.add(range);
  return made;
}

TEST(Target, ReadsAndWritesItsThreeForms) {
  struct Case {
    std::string_view text;
    Target target;
  };
  for (const Case& c : {Case{"web", {"web", 0, false}}, Case{"10.0.0.1", {"10.0.0.1", 0, false}},
                        Case{"[2001:db8::1]", {"2001:db8::1", 0, false}}, Case{"web:80", {"web", 80, false}},
                        Case{"[::1]:65535", {"::1", 65535, false}}, Case{"web:8000+", {"web", 8000, true}},
                        Case{"[::1]:1+", {"::1", 1, true}}}) {
    const auto parsed = Target::parse(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(*parsed, c.target);
    EXPECT_EQ(parsed->to_string(), c.text);
  }
}

TEST(Target, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "+", "web+", ":80", "web:", "web:0", "web:65536", "web:80++", "web:+", "::1", "::1:80", "[]",
        "[]:80", "a b:80", "a b", "web:-1", "web:80 ", "[::1]+"}) {
    EXPECT_FALSE(Target::parse(text)) << text;
  }
  EXPECT_FALSE(Target::parse(std::string(256, 'a')));
}

TEST(Service, FindsTheBackendsPort) {
  Service web = service("web", {{8000, 8010}, {9000, 9000}});
  EXPECT_EQ(web.backend_port(8005), 8005);

  web.target.port = 80;
  EXPECT_EQ(web.backend_port(8005), 80);

  web.target.offset = true;
  EXPECT_EQ(web.backend_port(8000), 80);
  EXPECT_EQ(web.backend_port(8010), 90);
  EXPECT_EQ(web.backend_port(9000), 1080);
}

TEST(Service, IsForItsEdges) {
  EXPECT_TRUE(service("a", {}).is_for("any"));
  const Service two = service("a", {}, {"x", "y"});
  EXPECT_TRUE(two.is_for("y"));
  EXPECT_FALSE(two.is_for("z"));
  EXPECT_FALSE(two.is_for("*"));
}

TEST(Service, NamesItsHeaderKinds) {
  for (const ClientHeader header :
       {ClientHeader::kNone, ClientHeader::kProxyV1, ClientHeader::kProxyV2, ClientHeader::kTransparent}) {
    EXPECT_EQ(parse_client_header(to_string(header)), header);
  }
  EXPECT_EQ(parse_client_header("proxy"), std::nullopt);
}

TEST(Service, NamesItsProtocolsAndModes) {
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kBoth}) {
    EXPECT_EQ(parse_protocol(to_string(protocol)), protocol);
  }
  for (const ProxyV2Mode mode : {ProxyV2Mode::kEvery, ProxyV2Mode::kFirst, ProxyV2Mode::kSeparate}) {
    EXPECT_EQ(parse_proxy_v2_mode(to_string(mode)), mode);
  }
  EXPECT_EQ(parse_protocol("TCP"), std::nullopt);
  EXPECT_EQ(parse_proxy_v2_mode(""), std::nullopt);
}

TEST(Service, IsDirectOverUdpAlone) {
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kBoth}) {
    Service a = service("a", {{53, 53}});
    a.protocol = protocol;
    EXPECT_TRUE(find_contradictions(a).empty());
    a.way = ServiceWay::kDirect;
    const auto found = find_contradictions(a);
    ASSERT_EQ(found.size(), protocol == Protocol::kUdp ? 0U : 1U) << to_string(protocol);
    if (!found.empty()) {
      EXPECT_EQ(found.front().key, "way");
    }
  }
  for (const ServiceWay way : {ServiceWay::kTunnel, ServiceWay::kDirect})
    EXPECT_EQ(parse_way(to_string(way)), way);
  EXPECT_EQ(parse_way("straight"), std::nullopt);
}

TEST(Service, HasOneProtocolOrBoth) {
  Service a = service("a", {});
  EXPECT_TRUE(a.has_tcp() && !a.has_udp());
  a.protocol = Protocol::kUdp;
  EXPECT_TRUE(!a.has_tcp() && a.has_udp());
  a.protocol = Protocol::kBoth;
  EXPECT_TRUE(a.has_tcp() && a.has_udp());
}

TEST(CheckService, KeepsAnOffsetWithinThePorts) {
  Service a = service("a", {{100, 200}});
  a.target = {"t", 65435, true};
  EXPECT_TRUE(check_service(a));

  a.target.port = 65436;
  ASSERT_FALSE(check_service(a));
  EXPECT_EQ(check_service(a).error().code, Errc::kInvalid);
  EXPECT_THAT(check_service(a).error().what, AllOf(StartsWith("target: "), HasSubstr("port 200 to 65536")));

  a.target.offset = false;
  EXPECT_TRUE(check_service(a));
}

TEST(CheckService, KnowsWhichHeadersUdpHas) {
  struct Case {
    Protocol protocol;
    ClientHeader client;
    ProxyV2Mode mode;
    std::string_view key;  // that contradicts the others; "": none
  };
  using enum Protocol;
  using enum ClientHeader;
  using enum ProxyV2Mode;
  for (const Case& c : {
           Case{kTcp, kProxyV1, kEvery, ""},
           Case{kUdp, kProxyV1, kEvery, "client"},
           Case{kBoth, kProxyV1, kEvery, "client"},
           Case{kUdp, kNone, kEvery, ""},
           Case{kUdp, kProxyV2, kEvery, ""},
           Case{kUdp, kProxyV2, kFirst, ""},
           Case{kBoth, kProxyV2, kSeparate, ""},
           Case{kUdp, kTransparent, kEvery, ""},
           Case{kTcp, kTransparent, kEvery, "client"},
           Case{kBoth, kTransparent, kEvery, "client"},
           Case{kUdp, kTransparent, kFirst, "proxy_v2"},
           Case{kUdp, kNone, kSeparate, "proxy_v2"},
           Case{kTcp, kProxyV2, kFirst, "proxy_v2"},
           Case{kTcp, kNone, kFirst, "proxy_v2"},
       }) {
    Service a = service("a", {{53, 53}});
    a.protocol = c.protocol;
    a.client = c.client;
    a.proxy_v2 = c.mode;
    const auto found = find_contradictions(a);
    ASSERT_EQ(found.size(), c.key.empty() ? 0U : 1U) << to_string(c.protocol) << to_string(c.client);
    if (!found.empty()) {
      EXPECT_EQ(found.front().key, c.key);
    }
  }
}

TEST(CheckService, TellsEveryContradiction) {
  Service a = service("a", {{1, 9}});
  a.protocol = Protocol::kUdp;
  a.target = {"t", 65530, true};
  a.client = ClientHeader::kProxyV1;
  a.proxy_v2 = ProxyV2Mode::kFirst;

  std::vector<std::string_view> keys;
  for (const Contradiction& one : find_contradictions(a)) keys.push_back(one.key);
  EXPECT_THAT(keys, ElementsAre("target", "client", "proxy_v2"));
}

TEST(CheckOverlaps, NamesBothServicesAndThePort) {
  const auto checked =
      check_overlaps({service("a", {{80, 80}, {8000, 8100}}), service("b", {{443, 443}, {8050, 8060}})});

  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::kExists);
  EXPECT_THAT(checked.error().what, AllOf(HasSubstr("\"a\""), HasSubstr("\"b\""), HasSubstr("port 8050")));
}

TEST(CheckOverlaps, NamesAServiceThatIsThereTwice) {
  const auto checked =
      check_overlaps({service("a", {{1, 1}}), service("b", {{2, 2}}), service("a", {{3, 3}})});

  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().what, HasSubstr("two services are named \"a\""));
}

TEST(CheckOverlaps, FindsARivalBehindOthersWithinALongRange) {
  EXPECT_FALSE(check_overlaps({service("long", {{1, 1000}}, {"x"}), service("other", {{10, 20}}, {"y"}),
                               service("far", {{1000, 1000}}, {"x"})}));
}

TEST(CheckOverlaps, JudgesByProtocol) {
  const auto check = [](Protocol first, Protocol second) {
    std::vector<Service> two{service("a", {{50, 60}}), service("b", {{53, 53}})};
    two[0].protocol = first;
    two[1].protocol = second;
    const auto checked = check_overlaps(two);
    return checked ? "" : checked.error().what;
  };
  using enum Protocol;
  EXPECT_EQ(check(kTcp, kUdp), "");
  EXPECT_EQ(check(kUdp, kTcp), "");
  EXPECT_THAT(check(kTcp, kTcp), HasSubstr("both claim TCP port 53 of an edge"));
  EXPECT_THAT(check(kUdp, kUdp), HasSubstr("both claim UDP port 53 of an edge"));
  EXPECT_THAT(check(kBoth, kUdp), HasSubstr("both claim UDP port 53 of an edge"));
  EXPECT_THAT(check(kTcp, kBoth), HasSubstr("both claim TCP port 53 of an edge"));
  EXPECT_THAT(check(kBoth, kBoth), HasSubstr("both claim TCP and UDP port 53 of an edge"));
}

TEST(CheckOverlaps, FindsARivalBehindOneOfTheOtherProtocol) {
  std::vector<Service> three{service("a", {{50, 60}}), service("b", {{53, 53}}), service("c", {{54, 54}})};
  three[1].protocol = Protocol::kUdp;

  EXPECT_THAT(check_overlaps(three).error().what,
              AllOf(HasSubstr("\"a\" and \"c\""), HasSubstr("TCP port 54")));
}

TEST(CheckOverlaps, JudgesByEdge) {
  EXPECT_TRUE(check_overlaps({service("a", {{80, 80}}, {"x"}), service("b", {{80, 80}}, {"y"})}));
  EXPECT_FALSE(check_overlaps({service("a", {{80, 80}}, {"x", "y"}), service("b", {{80, 80}}, {"y", "z"})}));
  EXPECT_FALSE(check_overlaps({service("a", {{80, 80}}, {"x"}), service("b", {{80, 80}})}));
  EXPECT_FALSE(check_overlaps({service("a", {{80, 80}}), service("b", {{80, 80}}, {"x"})}));
  EXPECT_TRUE(check_overlaps({service("a", {{80, 80}}), service("b", {{81, 81}})}));
}

}  // namespace
}  // namespace penstock
