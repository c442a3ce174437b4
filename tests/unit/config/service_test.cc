#include "config/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
  for (const ClientHeader header : {ClientHeader::kNone, ClientHeader::kProxyV1, ClientHeader::kProxyV2}) {
    EXPECT_EQ(parse_client_header(to_string(header)), header);
  }
  EXPECT_EQ(parse_client_header("proxy"), std::nullopt);
}

TEST(CheckTarget, KeepsAnOffsetWithinThePorts) {
  Service a = service("a", {{100, 200}});
  a.target = {"t", 65435, true};
  EXPECT_TRUE(check_target(a));

  a.target.port = 65436;
  ASSERT_FALSE(check_target(a));
  EXPECT_THAT(check_target(a).error().what, HasSubstr("port 200 to 65536"));

  a.target.offset = false;
  EXPECT_TRUE(check_target(a));
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

TEST(CheckOverlaps, JudgesByEdge) {
  EXPECT_TRUE(check_overlaps({service("a", {{80, 80}}, {"x"}), service("b", {{80, 80}}, {"y"})}));
  EXPECT_FALSE(check_overlaps({service("a", {{80, 80}}, {"x", "y"}), service("b", {{80, 80}}, {"y", "z"})}));
  EXPECT_FALSE(check_overlaps({service("a", {{80, 80}}, {"x"}), service("b", {{80, 80}})}));
  EXPECT_FALSE(check_overlaps({service("a", {{80, 80}}), service("b", {{80, 80}}, {"x"})}));
  EXPECT_TRUE(check_overlaps({service("a", {{80, 80}}), service("b", {{81, 81}})}));
}

}  // namespace
}  // namespace penstock
