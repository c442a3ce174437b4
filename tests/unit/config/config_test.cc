// What a right file means.
#include "config/config.h"

#include <gtest/gtest.h>

#include "unit/config/parsing.h"

namespace penstock {
namespace {

TEST(Config, EmptyHubHasTheDefaults) {
  const Config config = parsed("[hub]\n");

  EXPECT_EQ(config.admin, AdminConfig{});
  EXPECT_EQ(config.limits, LimitsConfig{});
  EXPECT_EQ(config.tunnel, TunnelConfig{});
  EXPECT_EQ(config.flow, FlowConfig{});
  EXPECT_EQ(config.steering, SteeringConfig{});
  EXPECT_EQ(config.steering.source_ports.to_string(), "10000-32767,61000-65535");
  EXPECT_EQ(config.guard, GuardConfig{});
  EXPECT_FALSE(config.node.name.empty());  // the host's
  ASSERT_TRUE(config.hub);
  EXPECT_EQ(config.hub->listen, std::vector{*Endpoint::parse("[::]:8443")});
  EXPECT_FALSE(config.hub->public_address);
  EXPECT_FALSE(config.edge);
  EXPECT_TRUE(config.services.empty());
}

TEST(Config, EdgeWithATokenHasTheDefaults) {
  const Config config = parsed("[edge]\ntoken_file = \"/t\"\n");

  ASSERT_TRUE(config.edge);
  EXPECT_TRUE(config.edge->direct_to.empty());
  EXPECT_EQ(config.edge->bind, (std::vector{IpAddress::v4(0), IpAddress{}}));
  EXPECT_EQ(config.edge->ports_allow.to_string(), "1-65535");
  EXPECT_EQ(config.edge->ports_deny.to_string(), "22");
  EXPECT_FALSE(config.hub);
}

TEST(Config, ReadsEveryKeyOfTheNode) {
  const Config config = parsed(R"([node]
name = "n1"
workers = 3
state_dir = "/s"
user = "penstock"
log_level = "debug"
access_log = "/l"
drain = "90s"
[admin]
socket = "/a.sock"
http = "192.0.2.1:9090"
http_public = true
[limits]
flows = 100
flows_per_source = 5
sessions = 200
sessions_per_source = 9
source_prefix_v4 = 24
source_prefix_v6 = 56
handshakes = 7
handshakes_per_source = 6
auth_failures_per_minute = 8
window_budget = "16MiB"
held_connections = 0
carriers_per_tunnel = 2
backend_sockets = 11
datagram_queue = "256KiB"
[tunnel]
ping = "1s"
timeout = "1500ms"
handshake = "3s"
send_queue = 65536
[flow]
dial = "1s"
half_closed = "10m"
keepalive = "30s"
keepalive_interval = "5s"
keepalive_probes = 2
hold = "0s"
unreplied = "3s"
quarantine = "0s"
[hub]
)");

  EXPECT_EQ(config.node, (NodeConfig{.name = "n1",
                                     .workers = 3,
                                     .state_dir = "/s",
                                     .user = "penstock",
                                     .log_level = "debug",
                                     .access_log = "/l",
                                     .drain = 90s}));
  EXPECT_EQ(
      config.admin,
      (AdminConfig{.socket = "/a.sock", .http = *Endpoint::parse("192.0.2.1:9090"), .http_public = true}));
  EXPECT_EQ(config.limits, (LimitsConfig{.flows = 100,
                                         .flows_per_source = 5,
                                         .sessions = 200,
                                         .sessions_per_source = 9,
                                         .source_prefix_v4 = 24,
                                         .source_prefix_v6 = 56,
                                         .handshakes = 7,
                                         .handshakes_per_source = 6,
                                         .auth_failures_per_minute = 8,
                                         .window_budget = 16U << 20,
                                         .held_connections = 0,
                                         .carriers_per_tunnel = 2,
                                         .backend_sockets = 11,
                                         .datagram_queue = 256U << 10}));
  EXPECT_EQ(config.tunnel,
            (TunnelConfig{.ping = 1s, .timeout = 1500ms, .handshake = 3s, .send_queue = 65536}));
  EXPECT_EQ(config.flow, (FlowConfig{.dial = 1s,
                                     .half_closed = 10min,
                                     .keepalive = 30s,
                                     .keepalive_interval = 5s,
                                     .keepalive_probes = 2,
                                     .hold = 0s,
                                     .unreplied = 3s,
                                     .quarantine = 0s}));
}

TEST(Config, ReadsEveryKeyOfSteeringAndGuard) {
  const Config config = parsed(R"([hub]
[steering]
mode = "kernel"
interfaces = ["eth0", "bond0.100"]
pins = "/run/penstock/bpf"
device = "steer"
network = "10.64.0.0/22"
source_ports = [2000, "3000-3999"]
[guard]
source_rate = 1
source_burst = 2
service_rate = 3
service_burst = 4
new_source_rate = 5
new_source_burst = 6
new_total_rate = 7
new_total_burst = 8
)");

  SteeringConfig steering{.mode = SteeringConfig::Mode::kKernel,
                          .interfaces = {"eth0", "bond0.100"},
                          .pins = "/run/penstock/bpf",
                          .device = "steer",
                          .network = *IpAddress::parse("10.64.0.0"),
                          .network_bits = 22,
                          .source_ports = {}};
  steering.source_ports.add({2000, 2000});
  steering.source_ports.add({3000, 3999});
  EXPECT_EQ(config.steering, steering);
  EXPECT_EQ(config.guard, (GuardConfig{.source_rate = 1,
                                       .source_burst = 2,
                                       .service_rate = 3,
                                       .service_burst = 4,
                                       .new_source_rate = 5,
                                       .new_source_burst = 6,
                                       .new_total_rate = 7,
                                       .new_total_burst = 8}));
  EXPECT_EQ(parsed("[hub]\n[steering]\nmode = \"socket\"\n").steering.mode, SteeringConfig::Mode::kSocket);
}

TEST(Config, ReadsEveryKeyOfTheHub) {
  const Config config = parsed(R"([hub]
listen = ["127.0.0.1:1", "[::1]:2"]
public = "hub.example:8443"
certificate = "/c"
key = "/k"
[[hub.edges]]
id = "a"
secret_file = "/sa"
[[hub.edges]]
id = "b:1"
secret_file = "/sb"
)");

  const HubConfig wanted{.listen = {*Endpoint::parse("127.0.0.1:1"), *Endpoint::parse("[::1]:2")},
                         .public_address = HostPort{"hub.example", 8443},
                         .certificate = "/c",
                         .key = "/k",
                         .edges = {{"a", "/sa"}, {"b:1", "/sb"}}};
  EXPECT_EQ(config.hub, wanted);
  EXPECT_EQ(config.edge_positions,
            (std::map<std::string, Position>{{"a", {"p.toml", 6}}, {"b:1", {"p.toml", 9}}}));
}

TEST(Config, ReadsEveryKeyOfAnEdgeWithoutToken) {
  const Config config = parsed(R"([edge]
hub = "h:8443"
id = "a"
secret_file = "/s"
pins = ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
carriers = 4
bind = ["192.0.2.1"]
direct_to = ["10.0.0.0/8", "2001:db8::5"]
[edge.ports]
allow = [80, "8000-8100"]
deny = []
)");

  EdgeConfig wanted;
  wanted.hub = HostPort{"h", 8443};
  wanted.id = "a";
  wanted.secret_file = "/s";
  wanted.pins = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
  wanted.carriers = 4;
  wanted.bind = {*IpAddress::parse("192.0.2.1")};
  wanted.direct_to = {*AddressPrefix::parse("10.0.0.0/8"), *AddressPrefix::parse("2001:db8::5")};
  wanted.ports_allow.add({80, 80});
  wanted.ports_allow.add({8000, 8100});
  EXPECT_EQ(config.edge, wanted);
}

TEST(Config, VerifiesTheHubByTheNameItIsDialledByUnlessToldAnother) {
  const std::string edge =
      "[edge]\nhub = \"h.example:8443\"\nid = \"a\"\nsecret_file = \"/s\"\nca_file = \"/ca\"\n";

  EXPECT_EQ(parsed(edge).edge->hub_name, "h.example");
  EXPECT_EQ(parsed(edge + "hub_name = \"other\"\n").edge->hub_name, "other");
}

TEST(Config, ReadsServicesAndWhereTheyStand) {
  const Config config = parsed(R"([hub]
[[service]]
name = "web"
ports = [80, "8000-8100"]
target = "web.internal"

[[service]]
name = "game"
protocol = "both"
ports = [27000]
edges = ["a", "b"]
target = "[2001:db8::1]:7000+"
client = "proxy-v2"
proxy_v2 = "first"
max_flows = 10
max_flows_per_source = 2
idle = "5m"
udp_idle = "24h"
)");

  Service web{.name = "web", .target = {"web.internal"}};
  web.ports.add({80, 80});
  web.ports.add({8000, 8100});
  Service game{.name = "game",
               .protocol = Protocol::kBoth,
               .edges = {"a", "b"},
               .target = {"2001:db8::1", 7000, true},
               .client = ClientHeader::kProxyV2,
               .proxy_v2 = ProxyV2Mode::kFirst,
               .max_flows = 10,
               .max_flows_per_source = 2,
               .idle = 5min,
               .udp_idle = 24h};
  game.ports.add({27000, 27000});
  EXPECT_EQ(config.services, (std::vector{web, game}));
  EXPECT_EQ(config.service_positions,
            (std::map<std::string, Position>{{"web", {"p.toml", 2}}, {"game", {"p.toml", 7}}}));
}

TEST(Config, OnePortMayServeATcpServiceAndAUdpService) {
  const Config config = parsed(R"([hub]
[[service]]
name = "web"
ports = [443]
target = "x"
[[service]]
name = "quic"
protocol = "udp"
ports = [443]
target = "y"
)");

  ASSERT_EQ(config.services.size(), 2U);
  EXPECT_FALSE(config.services[0].has_udp());
  EXPECT_FALSE(config.services[1].has_tcp());
  EXPECT_EQ(config.services[1].udp_idle, 60s);
}

TEST(Config, OnePortMayServeTwoServicesAtDifferentEdges) {
  const Config config = parsed(R"([hub]
[[service]]
name = "a"
ports = [80]
edges = ["one"]
target = "x"
[[service]]
name = "b"
ports = [80]
edges = ["two"]
target = "y"
)");

  EXPECT_EQ(config.services.size(), 2U);
}

}  // namespace
}  // namespace penstock
