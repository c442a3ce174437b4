#include "edge/udp_services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

const IpAddress kNear = *IpAddress::parse("10.0.0.5");
const IpAddress kFar = *IpAddress::parse("192.0.2.5");

AssignedService game(const DirectService& direct) {
  AssignedService service{.name = "game", .udp_idle = 90s, .direct = direct};
  service.udp_ports.add({27000, 27010});
  return service;
}

UdpServices services_of(const AssignedService& service, bool by_programs = true) {
  Assignment assignment;
  assignment.penstock = Assignment::Extension{.features = {}, .services = {service}};
  return {assignment, {.by_programs = by_programs, .to = {*AddressPrefix::parse("10.0.0.0/8")}}};
}

TEST(UdpServices, KnowsTheBackendOfADirectService) {
  const UdpServices services = services_of(game({.addresses = {kNear},
                                                 .port = 7000,
                                                 .shifted = true,
                                                 .header = DirectService::Header::kFirst,
                                                 .max_sessions = 5,
                                                 .max_sessions_per_source = 2,
                                                 .draining = true}));

  const UdpServices::Entry* const entry = services.find(27003);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->service, "game");
  EXPECT_EQ(entry->idle, 90s);
  ASSERT_TRUE(entry->direct);
  EXPECT_EQ(entry->direct->address, kNear);
  EXPECT_EQ(entry->direct->backend_port(27003), 7003);
  EXPECT_EQ(entry->direct->header, DirectService::Header::kFirst);
  EXPECT_EQ(entry->direct->max_sessions, 5U);
  EXPECT_EQ(entry->direct->max_sessions_per_source, 2U);
  EXPECT_TRUE(entry->direct->draining);
  EXPECT_THAT(services.refused(), IsEmpty());
}

TEST(UdpServices, TakesAPortAsItIsToldAnother) {
  const auto port_of = [](const DirectService& direct) {
    return services_of(game(direct)).find(27010)->direct->backend_port(27010);
  };
  EXPECT_EQ(port_of({.addresses = {kNear}}), 27010);
  EXPECT_EQ(port_of({.addresses = {kNear}, .port = 53}), 53);
  EXPECT_EQ(port_of({.addresses = {kNear}, .port = 65525, .shifted = true}), 65535);
}

TEST(UdpServices, TakesTheFirstAddressThatIsPermitted) {
  const UdpServices services = services_of(game({.addresses = {kFar, kNear}}));

  EXPECT_EQ(services.find(27000)->direct->address, kNear);
  EXPECT_THAT(services.refused(), IsEmpty());
}

TEST(UdpServices, TakesAnAddressOfTheClientsFamilyWhereTheBackendSeesTheClient) {
  const IpAddress near_v6 = *IpAddress::parse("fd00::5");
  const IpAddress v4 = *IpAddress::parse("203.0.113.9");
  const IpAddress v6 = *IpAddress::parse("2001:db8::9");
  Assignment assignment;
  assignment.penstock = Assignment::Extension{
      .features = {}, .services = {game({.addresses = {kFar, kNear, near_v6}, .transparent = true})}};
  const UdpServices::Policy policy{
      .by_programs = true, .to = {*AddressPrefix::parse("10.0.0.0/8"), *AddressPrefix::parse("fd00::/8")}};
  const UdpServices both{assignment, policy};

  ASSERT_TRUE(both.find(27000)->direct->transparent);
  EXPECT_EQ(both.find(27000)->direct->address_for(v4), kNear);
  EXPECT_EQ(both.find(27000)->direct->address_for(v6), near_v6);

  const UdpServices one = services_of(game({.addresses = {kNear, near_v6}, .transparent = true}));
  EXPECT_EQ(one.find(27000)->direct->address_for(v6), kNear) << "the other is not permitted";

  assignment.penstock->services = {game({.addresses = {kNear, near_v6}})};
  const UdpServices plain{assignment, policy};
  EXPECT_EQ(plain.find(27000)->direct->address_for(v6), kNear) << "families do not matter";
}

TEST(UdpServices, LeavesToTheTunnelWhatIsNotPermittedAndSaysWhy) {
  const auto why = [](const UdpServices& services) {
    EXPECT_NE(services.find(27000), nullptr);
    EXPECT_FALSE(services.find(27000)->direct);
    return services.refused();
  };
  EXPECT_THAT(
      why(services_of(game({.addresses = {kFar}}))),
      ElementsAre(UdpServices::Refused{"game", "its backend 192.0.2.5 is not within edge.direct_to"}));
  EXPECT_THAT(why(services_of(game({.addresses = {kNear}}), false)),
              ElementsAre(Field(&UdpServices::Refused::why, HasSubstr("steers by sockets"))));
  EXPECT_THAT(why(services_of(game({.addresses = {kNear}, .port = 65526, .shifted = true}))),
              ElementsAre(Field(&UdpServices::Refused::why, HasSubstr("beyond 65535"))));
}

TEST(UdpServices, LeavesATargetWithoutAddressToTheHub) {
  const UdpServices services = services_of(game({}));

  EXPECT_FALSE(services.find(27000)->direct);
  EXPECT_THAT(services.refused(), IsEmpty());
}

}  // namespace
}  // namespace penstock
