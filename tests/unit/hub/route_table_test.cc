#include "hub/route_table.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace penstock {
namespace {

Route route(std::string name, const std::vector<PortRange>& ranges, Protocol protocol = Protocol::kTcp) {
  Service service{.name = std::move(name), .protocol = protocol};
  for (const PortRange& range : ranges) service.ports.add(range);
  return {.service = std::make_shared<const Service>(service),
          .book = std::make_shared<ServiceBook>(),
          .addresses = {}};
}

std::string name_of(const Route* route) {
  return route == nullptr ? "" : route->service->name;
}

/// The name of the service behind the TCP port, "" where there is none.
std::string behind(const RouteTable& table, std::uint16_t port) {
  return name_of(table.find_tcp(port));
}

TEST(RouteTable, OfNothingFindsNothing) {
  const RouteTable table{{}};

  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{0, 1, 80, 65535}) {
    EXPECT_EQ(table.find_tcp(port), nullptr) << port;
    EXPECT_EQ(table.find_udp(port), nullptr) << port;
  }
}

TEST(RouteTable, FindsFirstAndLastPortOfARangeAndNoneBeside) {
  const RouteTable table{{route("game", {{1000, 2000}})}};

  EXPECT_EQ(behind(table, 999), "");
  EXPECT_EQ(behind(table, 1000), "game");
  EXPECT_EQ(behind(table, 1500), "game");
  EXPECT_EQ(behind(table, 2000), "game");
  EXPECT_EQ(behind(table, 2001), "");
}

TEST(RouteTable, ReachesBothEndsOfThePorts) {
  const RouteTable table{{route("high", {{60000, 65535}}), route("low", {{1, 5}})}};

  EXPECT_EQ(behind(table, 0), "");
  EXPECT_EQ(behind(table, 1), "low");
  EXPECT_EQ(behind(table, 6), "");
  EXPECT_EQ(behind(table, 59999), "");
  EXPECT_EQ(behind(table, 65535), "high");
}

TEST(RouteTable, TellsNeighboursApart) {
  const RouteTable table{{route("b", {{90, 99}}), route("c", {{100, 100}}), route("a", {{80, 89}})}};

  EXPECT_EQ(behind(table, 89), "a");
  EXPECT_EQ(behind(table, 90), "b");
  EXPECT_EQ(behind(table, 99), "b");
  EXPECT_EQ(behind(table, 100), "c");
  EXPECT_EQ(behind(table, 101), "");
}

TEST(RouteTable, FindsAServiceInTheGapsOfAnother) {
  const RouteTable table{{route("outer", {{10, 19}, {30, 39}}), route("inner", {{20, 28}})}};

  EXPECT_EQ(behind(table, 19), "outer");
  EXPECT_EQ(behind(table, 20), "inner");
  EXPECT_EQ(behind(table, 29), "");
  EXPECT_EQ(behind(table, 30), "outer");
}

TEST(RouteTable, TellsProtocolsApart) {
  const RouteTable table{
      {route("web", {{443, 443}, {8000, 8010}}), route("quic", {{443, 443}}, Protocol::kUdp),
       route("dns", {{53, 53}}, Protocol::kBoth), route("game", {{8005, 8020}}, Protocol::kUdp)}};

  EXPECT_EQ(behind(table, 443), "web");
  EXPECT_EQ(name_of(table.find_udp(443)), "quic");
  EXPECT_EQ(behind(table, 53), "dns");
  EXPECT_EQ(table.find_udp(53)->service, table.find_tcp(53)->service);
  EXPECT_EQ(name_of(table.find_udp(8004)), "");
  EXPECT_EQ(name_of(table.find_udp(8005)), "game");
  EXPECT_EQ(behind(table, 8005), "web");
  EXPECT_EQ(behind(table, 8011), "");
}

TEST(RouteTable, FindsEachOfManyServices) {
  constexpr int kServices = 5000;
  std::vector<Route> routes;
  for (int i = kServices; i > 0; --i) {
    const auto port = static_cast<std::uint16_t>(i * 10);
    routes.push_back(route(std::to_string(i), {{port, static_cast<std::uint16_t>(port + 4)}}));
  }
  const RouteTable table{routes};

  for (int i = 1; i <= kServices; ++i) {
    ASSERT_EQ(behind(table, static_cast<std::uint16_t>(i * 10 - 1)), "");
    ASSERT_EQ(behind(table, static_cast<std::uint16_t>(i * 10)), std::to_string(i));
    ASSERT_EQ(behind(table, static_cast<std::uint16_t>(i * 10 + 4)), std::to_string(i));
    ASSERT_EQ(behind(table, static_cast<std::uint16_t>(i * 10 + 5)), "");
  }
}

TEST(RouteTable, SharesServiceAndBookWithWhoeverMadeIt) {
  Route made = route("web", {{80, 80}});
  made.addresses = {IpAddress::v4(0x7f000001)};
  const RouteTable table{{made}};

  const Route* const found = table.find_tcp(80);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->service, made.service);
  EXPECT_EQ(found->book, made.book);
  EXPECT_EQ(found->addresses, made.addresses);
}

}  // namespace
}  // namespace penstock
