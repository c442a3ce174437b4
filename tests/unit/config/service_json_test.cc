// Services as JSON, and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/service.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

Service full_service() {
  Service service{.name = "web",
                  .edges = {"a", "b"},
                  .target = {"::1", 7000, true},
                  .client = ClientHeader::kProxyV2,
                  .max_flows = 10,
                  .max_flows_per_source = 3,
                  .idle = 90s,
                  .draining = true};
  service.ports.add({80, 80});
  service.ports.add({8000, 8100});
  return service;
}

TEST(ServiceJson, HasEveryKey) {
  EXPECT_EQ(
      service_to_json(full_service()),
      R"({"name":"web","protocol":"tcp","ports":[80,"8000-8100"],"edges":["a","b"],"target":"[::1]:7000+",)"
      R"("client":"proxy-v2","max_flows":10,"max_flows_per_source":3,"idle":"90s","draining":true})");
}

TEST(ServiceJson, ComesBackTheSame) {
  const auto back = service_from_json(service_to_json(full_service()));

  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, full_service());
}

TEST(ServiceJson, NeedsNameAndPortsAndTarget) {
  const auto service = service_from_json(R"({"name":"a","ports":[1],"target":"t"})");

  ASSERT_TRUE(service);
  Service wanted{.name = "a", .target = {"t"}};
  wanted.ports.add({1, 1});
  EXPECT_EQ(*service, wanted);
}

TEST(ServiceJson, RefusesNamingTheKey) {
  struct Case {
    std::string_view json;
    std::string_view told;
  };
  for (const Case& c : {
           Case{"", "the service is not JSON"},
           Case{"{", "the service is not JSON"},
           Case{"[]", "a list will not do: write a service as a JSON object"},
           Case{"null", "null will not do"},
           Case{R"({"ports":[1],"target":"t"})", "name: is missing"},
           Case{R"({"name":"a","target":"t"})", "ports: is missing"},
           Case{R"({"name":"a","ports":[1]})", "target: is missing"},
           Case{R"({"name":"a","ports":[1],"target":"t","x":1})",
                "x: is not a key here: write one of client, draining, "},
           Case{R"({"name":1,"ports":[1],"target":"t"})", "name: 1 will not do"},
           Case{R"({"name":"a","ports":"1","target":"t"})", "ports: \"1\" will not do: write a list"},
           Case{R"({"name":"a","ports":[1.5],"target":"t"})", "ports: a number with a fraction will not do"},
           Case{R"({"name":"a","ports":[18446744073709551615],"target":"t"})",
                "ports: so large a number will not do"},
           Case{R"({"name":"a","ports":[1],"target":null})", "target: null will not do"},
           Case{R"({"name":"a","ports":[1],"target":"t","draining":"yes"})",
                "draining: \"yes\" will not do: write true or false"},
           Case{R"({"name":"a","ports":[1],"target":"t","max_flows":"1"})", "max_flows: \"1\" will not do"},
           Case{R"({"name":"a","ports":[1],"target":"t","protocol":"udp"})",
                "protocol: \"udp\" is not supported by this version"},
           Case{R"({"name":"a","ports":[1,9],"target":"t:65530+"})",
                "target: \"t:65530+\" would take port 9 to 65538"},
       }) {
    const auto service = service_from_json(c.json);
    ASSERT_FALSE(service) << c.json;
    EXPECT_THAT(service.error().what, StartsWith(std::string{c.told})) << c.json;
  }
}

TEST(ServiceJson, RefusesJsonNestedWithoutEnd) {
  EXPECT_THAT(service_from_json(std::string(100'000, '[')).error().what,
              HasSubstr("the service is not JSON"));
}

}  // namespace
}  // namespace penstock
