#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <penstock/wire/frame.h>

#include "unit/hub/refused.h"
#include "unit/hub/service_catalog_fixture.h"

namespace penstock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using ServiceAssignmentTest = ServiceCatalogTest;

TEST_F(ServiceAssignmentTest, AssignsToAnEdgeWhatIsForIt) {
  add(service("everywhere", {100, 102}));
  add(service_for("berlin", "berlin-only", {80, 80}));
  add(service_for("paris", "paris-only", {80, 80}));
  Service both = service("both", {103, 103});
  both.edges = {"paris", "berlin"};
  both.ports.add({65534, 65535});
  add(both);

  const Assignment berlin = assigned("berlin");

  EXPECT_THAT(berlin.listen_ports, ElementsAre(80, 100, 101, 102, 103, 65534, 65535));
  ASSERT_TRUE(berlin.penstock);
  EXPECT_THAT(berlin.penstock->services,
              ElementsAre(AssignedService{"berlin-only", catalog_->find("berlin-only")->service->ports},
                          AssignedService{"both", both.ports},
                          AssignedService{"everywhere", catalog_->find("everywhere")->service->ports}));
  EXPECT_THAT(assigned("rome").listen_ports, ElementsAre(100, 101, 102));
  const auto routes = catalog_->routes_for("paris");
  EXPECT_EQ(routes->find_tcp(80)->service->name, "paris-only");
  EXPECT_EQ(routes->find_tcp(65535)->service, catalog_->find("both")->service);
  EXPECT_EQ(routes->find_tcp(81), nullptr);
}

TEST_F(ServiceAssignmentTest, AssignsUdpPortsBesideTcpPorts) {
  add(service("web", {443, 444}));
  add(udp_service("quic", {443, 443}));
  Service dns = udp_service("dns", {53, 53});
  dns.protocol = Protocol::kBoth;
  dns.udp_idle = 5s;
  add(dns);

  const Assignment berlin = assigned("berlin");

  EXPECT_THAT(berlin.listen_ports, ElementsAre(53, 443, 444));
  EXPECT_THAT(berlin.listen_ports_udp, ElementsAre(53, 443));
  EXPECT_THAT(berlin.penstock->services,
              ElementsAre(AssignedService{"dns", dns.ports, dns.ports, 5s},
                          AssignedService{"quic", {}, udp_service("", {443, 443}).ports, 60s},
                          AssignedService{"web", service("", {443, 444}).ports}));
  EXPECT_EQ(parse_assignment(to_line(berlin)).value(), berlin);
  const auto routes = catalog_->routes_for("berlin");
  EXPECT_EQ(routes->find_tcp(443)->service->name, "web");
  EXPECT_EQ(routes->find_udp(443)->service->name, "quic");
  EXPECT_EQ(routes->find_udp(444), nullptr);
}

TEST_F(ServiceAssignmentTest, TellsEdgesWhereADirectServiceGoes) {
  Service direct = udp_service("game", {27000, 27010});
  direct.target = Target::parse("game.example:7000+").value();
  direct.way = ServiceWay::kDirect;
  direct.client = ClientHeader::kProxyV2;
  direct.proxy_v2 = ProxyV2Mode::kFirst;
  direct.max_flows = 9;
  direct.max_flows_per_source = 4;
  direct.draining = true;
  ASSERT_TRUE(catalog_->add(direct));
  ASSERT_TRUE(catalog_->add(udp_service("dns", {53, 53})));
  const auto told = [&](std::size_t index) {
    return catalog_->assignment_for("edge-1", {.features = {}, .services = {}})
        .penstock->services[index]
        .direct;
  };
  EXPECT_EQ(told(0), std::nullopt) << "dns goes through the tunnel";
  DirectService wanted{.addresses = {},
                       .port = 7000,
                       .shifted = true,
                       .header = DirectService::Header::kFirst,
                       .max_sessions = 9,
                       .max_sessions_per_source = 4,
                       .draining = true};
  EXPECT_EQ(told(1), wanted);
  const IpAddress low = *IpAddress::parse("10.0.0.5");
  const IpAddress high = *IpAddress::parse("10.0.0.6");
  ASSERT_TRUE(catalog_->resolved("game.example", {high, low}));
  wanted.addresses = {low, high};
  EXPECT_EQ(told(1), wanted) << "in order, however the resolver turns them round";
}

TEST_F(ServiceAssignmentTest, TellsEdgesOfATransparentService) {
  Service seen = udp_service("seen", {53, 53});
  seen.way = ServiceWay::kDirect;
  seen.client = ClientHeader::kTransparent;
  ASSERT_TRUE(catalog_->add(seen));
  Assignment told = assigned("edge-1");
  ASSERT_TRUE(told.penstock->services[0].direct);
  EXPECT_TRUE(told.penstock->services[0].direct->transparent);
  EXPECT_EQ(told.penstock->services[0].direct->header, DirectService::Header::kNone);
  seen.way = ServiceWay::kTunnel;
  ASSERT_TRUE(catalog_->change(seen));
  EXPECT_FALSE(assigned("edge-1").penstock->services[0].direct) << "the hub's to do";
  seen.protocol = Protocol::kBoth;
  EXPECT_THAT(refused(catalog_->change(seen)).what, AllOf(HasSubstr("client"), HasSubstr("UDP alone")));
}

TEST_F(ServiceAssignmentTest, RefusesAPortOfAProtocolThatAnotherServiceHas) {
  add(service("web", {443, 443}));
  add(udp_service("quic", {443, 443}));
  Service both = service("both", {443, 443});
  both.protocol = Protocol::kBoth;

  EXPECT_THAT(refused(catalog_->add(udp_service("dtls", {400, 450}))).what, HasSubstr("UDP port 443"));
  EXPECT_EQ(refused(catalog_->add(both)).code, make_error_code(Errc::kExists));
  Service changed = udp_service("quic", {443, 443});
  changed.protocol = Protocol::kBoth;
  EXPECT_THAT(refused(catalog_->change(changed)).what, HasSubstr("TCP port 443"));
}

TEST_F(ServiceAssignmentTest, RefusesAHeaderThatUdpDoesNotKnow) {
  Service dns = udp_service("dns", {53, 53});
  dns.client = ClientHeader::kProxyV1;

  EXPECT_THAT(refused(catalog_->add(dns)).what, AllOf(HasSubstr("proxy-v1"), HasSubstr("protocol")));
}

TEST_F(ServiceAssignmentTest, CountsPortsOfBothProtocols) {
  Service all = service_for("a", "all", {1, 65535});
  all.protocol = Protocol::kBoth;
  add(all);
  add(service_for("b", "two", {1, 2}));  // 131,072 in all

  EXPECT_THAT(refused(catalog_->add(service_for("b", "udp", {3, 3}))).what, HasSubstr("131072"));
}

TEST_F(ServiceAssignmentTest, AssignsNoMoreThanAFrameHolds) {
  Service odd = service_for("a", "odd", {1, 1});
  Service even = service_for("a", "even", {2, 2});
  for (std::uint32_t port = 3; port <= 65535; port += 2) {
    odd.ports.add({static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(port)});
    if (port < 65535)
      even.ports.add({static_cast<std::uint16_t>(port + 1), static_cast<std::uint16_t>(port + 1)});
  }
  odd.protocol = Protocol::kBoth;
  add(odd);
  EXPECT_LE(to_line(assigned("a")).size(), wire::kMaxJson);

  EXPECT_THAT(refused(catalog_->add(even)).what, HasSubstr("edge \"a\" would have more"));
  even.edges = {"*"};
  EXPECT_THAT(refused(catalog_->add(even)).what, HasSubstr("edge \"a\" would have more"));
  even.edges = {"b"};
  add(even);
}

TEST_F(ServiceAssignmentTest, AnAssignmentCarriesWhatItIsBasedOn) {
  Assignment::Extension base;
  base.instance = 7;
  base.generation = 3;
  base.features = {"goaway"};

  const Assignment assignment = catalog_->assignment_for("berlin", base);

  EXPECT_THAT(assignment.listen_ports, IsEmpty());
  ASSERT_TRUE(assignment.penstock);
  EXPECT_EQ(*assignment.penstock, base);
}

}  // namespace
}  // namespace penstock
