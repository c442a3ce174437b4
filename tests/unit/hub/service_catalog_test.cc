#include "hub/service_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <penstock/wire/frame.h>

#include "unit/config/temporary_directory.h"
#include "unit/hub/refused.h"

namespace penstock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Service service(std::string name, PortRange ports, std::string_view target = "127.0.0.1:8000") {
  Service made{.name = std::move(name), .target = Target::parse(target).value()};
  made.ports.add(ports);
  return made;
}

Service udp_service(std::string name, PortRange ports) {
  Service made = service(std::move(name), ports);
  made.protocol = Protocol::kUdp;
  return made;
}

Service service_for(std::string edge, std::string name, PortRange ports) {
  Service made = service(std::move(name), ports);
  made.edges = {std::move(edge)};
  return made;
}

class ServiceCatalogTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  /// Starts the hub (again) with the services of `config_`.
  void start() {
    catalog_.reset();
    store_.reset();
    auto opened = Store::open(state_.path());
    ASSERT_TRUE(opened) << opened.error().what;
    store_.emplace(std::move(*opened));
    catalog_.emplace(*store_);
    const auto loaded = catalog_->load(config_);
    ASSERT_TRUE(loaded) << loaded.error().what;
  }
  void declare(const Service& declared, std::uint32_t line) {
    config_.services.push_back(declared);
    config_.service_positions[declared.name] = {.file = "hub.toml", .line = line};
  }
  void add(const Service& added) {
    const auto done = catalog_->add(added);
    ASSERT_TRUE(done) << done.error().what;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [name, entry] : catalog_->entries()) out.push_back(name);
    return out;
  }
  Assignment assigned(std::string_view edge) const { return catalog_->assignment_for(edge, {}); }

  TemporaryDirectory state_;
  Config config_;
  std::optional<Store> store_;
  std::optional<ServiceCatalog> catalog_;
};

TEST_F(ServiceCatalogTest, KeepsAddedServicesOverARestart) {
  const Service web = service("web", {80, 89});
  add(web);

  start();

  ASSERT_NE(catalog_->find("web"), nullptr);
  EXPECT_EQ(*catalog_->find("web")->service, web);
  EXPECT_FALSE(catalog_->find("web")->declared);
  EXPECT_EQ(catalog_->find("mail"), nullptr);
}

TEST_F(ServiceCatalogTest, RefusesASecondServiceOfAName) {
  add(service("web", {80, 80}));

  const Error refusal = refused(catalog_->add(service("web", {90, 90})));

  EXPECT_EQ(refusal.code, make_error_code(Errc::kExists));
  EXPECT_THAT(refusal.what, HasSubstr("'web'"));
  EXPECT_EQ(*catalog_->find("web")->service, service("web", {80, 80}));
}

TEST_F(ServiceCatalogTest, ChangesAServiceAndKeepsItsBook) {
  add(service("web", {80, 89}));
  const auto before = catalog_->find("web")->service;
  const auto book = catalog_->find("web")->book;
  ASSERT_NE(book, nullptr);
  const Service wider = service("web", {80, 99}, "10.0.0.1");

  ASSERT_TRUE(catalog_->change(wider));

  EXPECT_EQ(*before, service("web", {80, 89}));  // flows under way go on with what they began with
  EXPECT_EQ(*catalog_->find("web")->service, wider);
  EXPECT_EQ(catalog_->find("web")->book, book);
  EXPECT_THAT(catalog_->find("web")->addresses, ElementsAre(IpAddress::v4(0x0a000001)));
  start();
  EXPECT_EQ(*catalog_->find("web")->service, wider);
}

TEST_F(ServiceCatalogTest, RemovesAServiceForGood) {
  add(service("web", {80, 80}));

  ASSERT_TRUE(catalog_->remove("web"));

  EXPECT_EQ(catalog_->find("web"), nullptr);
  start();
  EXPECT_EQ(catalog_->find("web"), nullptr);
}

TEST_F(ServiceCatalogTest, ChangesNoServiceThatItDoesNotKnow) {
  const Error changed = refused(catalog_->change(service("web", {80, 80})));
  const Error removed = refused(catalog_->remove("web"));
  const Error drained = refused(catalog_->drain("web", true));

  for (const Error& refusal : {changed, removed, drained}) {
    EXPECT_EQ(refusal.code, make_error_code(Errc::kNotFound));
    EXPECT_THAT(refusal.what, HasSubstr("'web'"));
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(ServiceCatalogTest, RefusesAPortThatAnotherServiceHas) {
  add(service("web", {80, 89}));
  add(service("mail", {25, 25}));

  const Error added = refused(catalog_->add(service("game", {89, 95})));
  const Error changed = refused(catalog_->change(service("mail", {25, 80})));

  EXPECT_EQ(added.code, make_error_code(Errc::kExists));
  EXPECT_THAT(added.what, AllOf(HasSubstr("\"web\""), HasSubstr("\"game\""), HasSubstr("port 89")));
  EXPECT_THAT(changed.what, AllOf(HasSubstr("\"web\""), HasSubstr("\"mail\""), HasSubstr("port 80")));
  EXPECT_EQ(*catalog_->find("mail")->service, service("mail", {25, 25}));
  start();
  EXPECT_THAT(names(), ElementsAre("mail", "web"));
}

TEST_F(ServiceCatalogTest, TakesTheSamePortAtDifferentEdges) {
  add(service_for("berlin", "web-b", {80, 80}));
  add(service_for("paris", "web-p", {80, 80}));

  EXPECT_THAT(refused(catalog_->add(service("web", {80, 80}))).what, HasSubstr("port 80"));
}

TEST_F(ServiceCatalogTest, RefusesATargetBeyondTheLastPort) {
  const Error refusal = refused(catalog_->add(service("game", {1000, 2000}, "10.0.0.1:64536+")));

  EXPECT_EQ(refusal.code, make_error_code(Errc::kInvalid));
  EXPECT_THAT(refusal.what, AllOf(HasSubstr("10.0.0.1:64536+"), HasSubstr("65536")));
  EXPECT_TRUE(catalog_->add(service("game", {1000, 2000}, "10.0.0.1:64535+")));
}

TEST_F(ServiceCatalogTest, RefusesMorePortsThanAnEdgeCanBeTold) {
  add(service_for("a", "first", {1, 65535}));
  add(service_for("b", "second", {1, 65535}));
  add(service_for("c", "third", {1, 2}));  // 131,072 in all

  const Error added = refused(catalog_->add(service_for("c", "fourth", {3, 3})));
  const Error changed = refused(catalog_->change(service_for("c", "third", {1, 3})));

  for (const Error& refusal : {added, changed}) {
    EXPECT_EQ(refusal.code, make_error_code(Errc::kLimit));
    EXPECT_THAT(refusal.what, HasSubstr("131072"));
  }
  EXPECT_THAT(names(), ElementsAre("first", "second", "third"));
}

TEST_F(ServiceCatalogTest, ADeclaredServiceIsChangedWhereItIsDeclared) {
  declare(service("web", {80, 80}), 31);
  start();

  const Error changed = refused(catalog_->change(service("web", {90, 90})));
  const Error removed = refused(catalog_->remove("web"));

  for (const Error& refusal : {changed, removed}) {
    EXPECT_EQ(refusal.code, make_error_code(Errc::kRefused));
    EXPECT_THAT(refusal.what, AllOf(HasSubstr("'web'"), HasSubstr("hub.toml:31")));
  }
  EXPECT_TRUE(catalog_->find("web")->declared);
  EXPECT_EQ(*catalog_->find("web")->service, service("web", {80, 80}));
  EXPECT_THAT(store_->services().value(), IsEmpty());
}

TEST_F(ServiceCatalogTest, RedeclaringTellsWhatChanged) {
  declare(service("mail", {25, 25}), 10);
  declare(service("same", {99, 99}), 15);
  declare(service("web", {80, 80}), 20);
  add(service("game", {1000, 1000}));
  ASSERT_TRUE(catalog_->redeclare(config_));
  const auto book = catalog_->find("web")->book;
  config_ = {};
  declare(service("dns", {53, 53}), 5);
  declare(service("same", {99, 99}), 8);
  declare(service("web", {80, 81}), 11);

  EXPECT_THAT(catalog_->redeclare(config_).value(),
              ElementsAre("service 'dns' added", "service 'web' changed", "service 'mail' removed"));

  EXPECT_THAT(names(), ElementsAre("dns", "game", "same", "web"));
  EXPECT_EQ(catalog_->find("web")->book, book);
  EXPECT_THAT(refused(catalog_->remove("same")).what, HasSubstr("hub.toml:8"));
  EXPECT_THAT(catalog_->redeclare(config_).value(), IsEmpty());
}

TEST_F(ServiceCatalogTest, DeclaringWhatContendsWithAnAddedServiceChangesNothing) {
  add(service("game", {1000, 1000}));
  declare(service("mail", {25, 25}), 10);
  declare(service("web", {80, 1000}), 20);

  EXPECT_THAT(refused(catalog_->redeclare(config_)).what,
              AllOf(HasSubstr("added by operators"), HasSubstr("\"game\""), HasSubstr("\"web\""),
                    HasSubstr("port 1000")));
  EXPECT_THAT(names(), ElementsAre("game"));

  config_ = {};
  declare(service("game", {2000, 2000}), 10);
  EXPECT_THAT(refused(catalog_->redeclare(config_)).what, HasSubstr("named \"game\""));
  EXPECT_FALSE(catalog_->find("game")->declared);
}

TEST_F(ServiceCatalogTest, DrainingOfADeclaredServiceLastsUntilARestart) {
  declare(service("web", {80, 80}), 31);
  start();
  ASSERT_TRUE(catalog_->drain("web", true));

  EXPECT_THAT(catalog_->redeclare(config_).value(), IsEmpty());
  EXPECT_TRUE(catalog_->find("web")->service->draining);
  EXPECT_THAT(refused(catalog_->remove("web")).what, HasSubstr("hub.toml:31"));
  config_.services.front().max_flows = 5;
  EXPECT_THAT(catalog_->redeclare(config_).value(), ElementsAre("service 'web' changed"));
  EXPECT_TRUE(catalog_->find("web")->service->draining);

  start();
  EXPECT_FALSE(catalog_->find("web")->service->draining);
}

TEST_F(ServiceCatalogTest, DrainingOfAnAddedServiceOutlivesARestart) {
  add(service("web", {80, 80}));

  ASSERT_TRUE(catalog_->drain("web", true));
  start();
  EXPECT_TRUE(catalog_->find("web")->service->draining);

  ASSERT_TRUE(catalog_->drain("web", false));
  start();
  EXPECT_FALSE(catalog_->find("web")->service->draining);
}

TEST_F(ServiceCatalogTest, NamesWhatMustBeResolved) {
  add(service("literal", {80, 80}, "10.0.0.1:80"));
  add(service("six", {81, 81}, "[2001:db8::1]:80"));
  add(service("named", {82, 82}, "backend.example:80"));
  add(service("again", {83, 83}, "backend.example:81"));

  EXPECT_THAT(catalog_->names(), ElementsAre("backend.example"));
  EXPECT_THAT(catalog_->find("literal")->addresses, ElementsAre(IpAddress::v4(0x0a000001)));
  EXPECT_THAT(catalog_->find("six")->addresses, ElementsAre(IpAddress::parse("2001:db8::1").value()));
  EXPECT_THAT(catalog_->find("named")->addresses, IsEmpty());
}

TEST_F(ServiceCatalogTest, WhatANameStandsForReachesAllItsServices) {
  const IpAddress first = IpAddress::v4(0x0a000001);
  const IpAddress second = IpAddress::v4(0x0a000002);
  add(service("web", {80, 80}, "backend.example"));
  add(service("mail", {25, 25}, "other.example"));

  EXPECT_TRUE(catalog_->resolved("backend.example", {first}));
  EXPECT_FALSE(catalog_->resolved("backend.example", {first}));
  EXPECT_THAT(catalog_->find("web")->addresses, ElementsAre(first));
  EXPECT_THAT(catalog_->find("mail")->addresses, IsEmpty());
  EXPECT_TRUE(catalog_->resolved("backend.example", {second, first}));
  EXPECT_THAT(catalog_->find("web")->addresses, ElementsAre(second, first));

  add(service("late", {90, 90}, "backend.example:90"));
  EXPECT_THAT(catalog_->find("late")->addresses, ElementsAre(second, first));
  EXPECT_THAT(catalog_->routes_for("berlin")->find_tcp(90)->addresses, ElementsAre(second, first));
}

TEST_F(ServiceCatalogTest, AssignsToAnEdgeWhatIsForIt) {
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

TEST_F(ServiceCatalogTest, AssignsUdpPortsBesideTcpPorts) {
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

TEST_F(ServiceCatalogTest, TellsEdgesWhereADirectServiceGoes) {
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

TEST_F(ServiceCatalogTest, RefusesAPortOfAProtocolThatAnotherServiceHas) {
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

TEST_F(ServiceCatalogTest, RefusesAHeaderThatUdpDoesNotKnow) {
  Service dns = udp_service("dns", {53, 53});
  dns.client = ClientHeader::kProxyV1;

  EXPECT_THAT(refused(catalog_->add(dns)).what, AllOf(HasSubstr("proxy-v1"), HasSubstr("protocol")));
}

TEST_F(ServiceCatalogTest, CountsPortsOfBothProtocols) {
  Service all = service_for("a", "all", {1, 65535});
  all.protocol = Protocol::kBoth;
  add(all);
  add(service_for("b", "two", {1, 2}));  // 131,072 in all

  EXPECT_THAT(refused(catalog_->add(service_for("b", "udp", {3, 3}))).what, HasSubstr("131072"));
}

TEST_F(ServiceCatalogTest, AssignsNoMoreThanAFrameHolds) {
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

TEST_F(ServiceCatalogTest, AnAssignmentCarriesWhatItIsBasedOn) {
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
