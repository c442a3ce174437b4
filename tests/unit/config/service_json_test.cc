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
                  .protocol = Protocol::kBoth,
                  .edges = {"a", "b"},
                  .target = {"::1", 7000, true},
                  .client = ClientHeader::kProxyV2,
                  .proxy_v2 = ProxyV2Mode::kSeparate,
                  .max_flows = 10,
                  .max_flows_per_source = 3,
                  .idle = 90s,
                  .udp_idle = 5s,
                  .draining = true};
  service.ports.add({80, 80});
  service.ports.add({8000, 8100});
  return service;
}

TEST(ServiceJson, HasEveryKey) {
  EXPECT_EQ(
      service_to_json(full_service()),
      R"({"name":"web","protocol":"both","ports":[80,"8000-8100"],"edges":["a","b"],"target":"[::1]:7000+",)"
      R"("client":"proxy-v2","proxy_v2":"separate","way":"tunnel","max_flows":10,"max_flows_per_source":3,)"
      R"("idle":"90s","udp_idle":"5s","draining":true})");
}

TEST(ServiceJson, ComesBackTheSame) {
  const auto back = service_from_json(service_to_json(full_service()));

  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, full_service());
}

TEST(ServiceJson, OfEveryKindComesBackTheSame) {
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kBoth}) {
    for (const ProxyV2Mode mode : {ProxyV2Mode::kEvery, ProxyV2Mode::kFirst, ProxyV2Mode::kSeparate}) {
      if (protocol == Protocol::kTcp && mode != ProxyV2Mode::kEvery) continue;
      Service service = full_service();
      service.protocol = protocol;
      service.proxy_v2 = mode;
      const auto back = service_from_json(service_to_json(service));
      ASSERT_TRUE(back) << back.error().what;
      EXPECT_EQ(*back, service);
    }
  }
}

TEST(ServiceJson, KnowsTheWay) {
  Service service = full_service();
  service.protocol = Protocol::kUdp;
  service.way = ServiceWay::kDirect;
  const auto back = service_from_json(service_to_json(service));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, service);

  service.protocol = Protocol::kBoth;
  const auto refused = service_from_json(service_to_json(service));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().what, testing::HasSubstr("way: \"direct\" is for UDP alone"));
}

TEST(ServiceJson, WithoutTheKeysOfUdpIsOfTcp) {
  const auto service = service_from_json(
      R"({"name":"web","protocol":"tcp","ports":[80],"edges":["*"],"target":"t","client":"proxy-v1",)"
      R"("max_flows":0,"max_flows_per_source":0,"idle":"0s","draining":false})");

  ASSERT_TRUE(service) << service.error().what;
  Service wanted{.name = "web", .target = {"t"}, .client = ClientHeader::kProxyV1};
  wanted.ports.add({80, 80});
  EXPECT_EQ(*service, wanted);
  EXPECT_EQ(service->protocol, Protocol::kTcp);
  EXPECT_EQ(service->proxy_v2, ProxyV2Mode::kEvery);
  EXPECT_EQ(service->udp_idle, 60s);
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
           Case{R"({"name":"a","ports":[1],"target":"t","protocol":"sctp"})",
                "protocol: \"sctp\" will not do: write \"tcp\" or \"udp\" or \"both\""},
           Case{R"({"name":"a","ports":[1],"target":"t","protocol":"udp","client":"proxy-v1"})",
                "client: \"proxy-v1\" is for TCP alone and protocol is \"udp\""},
           Case{R"({"name":"a","ports":[1],"target":"t","protocol":"udp","proxy_v2":"first"})",
                "proxy_v2: \"first\" has no effect while client is \"none\""},
           Case{R"({"name":"a","ports":[1],"target":"t","proxy_v2":"once"})",
                "proxy_v2: \"once\" will not do: write \"every\" or \"first\" or \"separate\""},
           Case{R"({"name":"a","ports":[1],"target":"t","udp_idle":"0s"})", "udp_idle: \"0s\" will not do"},
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
