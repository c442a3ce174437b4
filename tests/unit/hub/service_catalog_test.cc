#include "hub/service_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/hub/refused.h"
#include "unit/hub/service_catalog_fixture.h"

namespace penstock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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

}  // namespace
}  // namespace penstock
