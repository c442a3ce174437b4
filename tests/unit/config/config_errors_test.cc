// What a wrong file is told: the line, the key, what is wrong with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "unit/config/parsing.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Case {
  std::string_view text;
  std::string_view told;  // the whole of one line's beginning
};

class Refuses : public testing::TestWithParam<Case> {};

TEST_P(Refuses, WithLineAndKey) {
  const std::string what = refusal(GetParam().text);

  EXPECT_THAT("\n" + what, HasSubstr("\n" + std::string{GetParam().told}));
}

constexpr Case kKeys[] = {
    {"[hub]\n[nodes]\n",
     "p.toml:2: nodes: is not a key here: write one of admin, edge, flow, guard, hub, limits, node, "
     "service, steering, tunnel"},
    {"x = 1\n[hub]\n", "p.toml:1: x: is not a key here"},
    {"[hub]\n[limits]\nflow = 3\n",
     "p.toml:3: limits.flow: is not a key here: write one of auth_failures_per_minute, "},
    {"[hub]\nlissen = []\n",
     "p.toml:2: hub.lissen: is not a key here: write one of certificate, edges, key, listen, public"},
    {"[edge]\ntoken_file = \"t\"\n[edge.ports]\nallowed = [1]\n",
     "p.toml:4: edge.ports.allowed: is not a key here: write one of allow, deny"},
    {"[hub]\n\n[[hub.edges]]\nid = \"a\"\nsecret_file = \"s\"\nsecret = \"x\"\n",
     "p.toml:6: hub.edges.secret: is not a key here"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\ndraining = true\n",
     "p.toml:6: service.draining: is not a key here"},
    {"[hub]\n\"n\\u001bx\" = 1\n", "p.toml:2: hub.n\\x1bx: is not a key here"},
    {"node = 3\n[hub]\n", "p.toml:1: node: is not a section: begin it with [node], once"},
    {"[[node]]\n[hub]\n", "p.toml:1: node: is not a section"},
    {"[hub]\n[service]\nname = \"a\"\n",
     "p.toml:2: service: is not a list of at most 4096 tables: begin each with [[service]]"},
    {"service = [1]\n[hub]\n", "p.toml:1: service: is not a list"},
    {"[hub]\nedges = 3\n", "p.toml:2: hub.edges: is not a list of at most 4096 tables"},
    {"hub = 3\n", "p.toml:1: hub: is not a section"},
};
INSTANTIATE_TEST_SUITE_P(Keys, Refuses, testing::ValuesIn(kKeys));

constexpr Case kValues[] = {
    {"[hub]\n[node]\nworkers = \"3\"\n",
     "p.toml:3: node.workers: \"3\" will not do: write a whole number from 0 to 256"},
    {"[hub]\n[node]\nworkers = 1.5\n", "p.toml:3: node.workers: a number with a fraction will not do"},
    {"[hub]\n[node]\nworkers = 1979-05-27\n", "p.toml:3: node.workers: a date or time will not do"},
    {"[hub]\n[node]\nworkers = [1]\n", "p.toml:3: node.workers: a list will not do"},
    {"[hub]\n[node]\nworkers = {a = 1}\n", "p.toml:3: node.workers: a table will not do"},
    {"[hub]\n[node]\nworkers = true\n", "p.toml:3: node.workers: true will not do"},
    {"[hub]\n[node]\nworkers = -1\n", "p.toml:3: node.workers: -1 will not do"},
    {"[hub]\n[node]\nworkers = 257\n", "p.toml:3: node.workers: 257 will not do"},
    {"[hub]\n[node]\nname = \"a b\"\n", "p.toml:3: node.name: \"a b\" will not do: write 1 to 64 letters"},
    {"[hub]\n[node]\nstate_dir = \"\"\n",
     "p.toml:3: node.state_dir: \"\" will not do: write the path of a directory"},
    {"[hub]\n[node]\nuser = \"a\\u0007\"\n", "p.toml:3: node.user: \"a\\x07\" will not do"},
    {"[hub]\n[node]\nlog_level = \"loud\"\n",
     "p.toml:3: node.log_level: \"loud\" will not do: write \"debug\" or \"info\" or "},
    {"[hub]\n[node]\ndrain = 30\n",
     "p.toml:3: node.drain: 30 will not do: write a duration in quotes, a number with ms, s, m or h, from 0s "
     "to 24h"},
    {"[hub]\n[node]\ndrain = \"25h\"\n", "p.toml:3: node.drain: \"25h\" will not do"},
    {"[hub]\n[node]\ndrain = \"-1s\"\n", "p.toml:3: node.drain: \"-1s\" will not do"},
    {"[hub]\n[admin]\nsocket = "
     "\"/"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
     "345678\"\n",
     "p.toml:3: admin.socket: "},
    {"[hub]\n[admin]\nhttp = \"localhost:80\"\n",
     "p.toml:3: admin.http: \"localhost:80\" will not do: write ADDRESS:PORT"},
    {"[hub]\n[admin]\nhttp_public = \"yes\"\n",
     "p.toml:3: admin.http_public: \"yes\" will not do: write true or false"},
    {"[hub]\n[limits]\nflows = 0\n",
     "p.toml:3: limits.flows: 0 will not do: write a whole number from 1 to 1000000"},
    {"[hub]\n[limits]\nsource_prefix_v4 = 33\n", "p.toml:3: limits.source_prefix_v4: 33"},
    {"[hub]\n[limits]\nsource_prefix_v6 = 0\n", "p.toml:3: limits.source_prefix_v6: 0"},
    {"[hub]\n[limits]\nwindow_budget = \"1GB\"\n",
     "p.toml:3: limits.window_budget: \"1GB\" will not do: write bytes, such as 65536 or \"64KiB\", from "
     "1MiB to 1024GiB"},
    {"[hub]\n[limits]\nwindow_budget = -5\n", "p.toml:3: limits.window_budget: -5 will not do"},
    {"[hub]\n[limits]\nwindow_budget = \"17179869184GiB\"\n", "p.toml:3: limits.window_budget: "},
    {"[hub]\n[flow]\nkeepalive = \"1500ms\"\n",
     "p.toml:3: flow.keepalive: \"1500ms\" will not do: write a duration in quotes, a number with ms, s, m "
     "or h, from 1s to 9h in steps of 1s"},
    {"[hub]\n[limits]\nsessions = 1048577\n",
     "p.toml:3: limits.sessions: 1048577 will not do: write a whole number from 1 to 1048576"},
    {"[hub]\n[limits]\nsessions_per_source = 0\n", "p.toml:3: limits.sessions_per_source: 0 will not do"},
    {"[hub]\n[limits]\nbackend_sockets = 65537\n",
     "p.toml:3: limits.backend_sockets: 65537 will not do: write a whole number from 1 to 65536"},
    {"[hub]\n[limits]\ndatagram_queue = \"127KiB\"\n",
     "p.toml:3: limits.datagram_queue: \"127KiB\" will not do: write bytes, such as 65536 or \"64KiB\", from "
     "128KiB to 64MiB"},
    {"[hub]\n[limits]\ndatagram_queue = \"65MiB\"\n",
     "p.toml:3: limits.datagram_queue: \"65MiB\" will not do"},
    {"[hub]\n[flow]\nunreplied = \"999ms\"\n", "p.toml:3: flow.unreplied: \"999ms\" will not do"},
    {"[hub]\n[flow]\nunreplied = \"601s\"\n", "p.toml:3: flow.unreplied: \"601s\" will not do"},
    {"[hub]\n[flow]\nquarantine = \"61m\"\n", "p.toml:3: flow.quarantine: \"61m\" will not do"},
    {"[hub]\n[steering]\nmode = \"bpf\"\n",
     "p.toml:3: steering.mode: \"bpf\" will not do: write \"auto\" or \"kernel\" or \"socket\""},
    {"[hub]\n[steering]\nmode = 1\n", "p.toml:3: steering.mode: 1 will not do"},
    {"[hub]\n[steering]\ninterfaces = \"eth0\"\n",
     "p.toml:3: steering.interfaces: \"eth0\" will not do: write a list of 0 to 64 in brackets"},
    {"[hub]\n[steering]\ninterfaces = [\"eth0\", \"eth0\"]\n",
     "p.toml:3: steering.interfaces: \"eth0\" will not do: write it once"},
    {"[hub]\n[steering]\ninterfaces = [\"a/b\"]\n",
     "p.toml:3: steering.interfaces: \"a/b\" will not do: write the name of a network interface"},
    {"[hub]\n[steering]\ninterfaces = [\"0123456789012345\"]\n",
     "p.toml:3: steering.interfaces: \"0123456789012345\" will not do"},
    {"[hub]\n[steering]\npins = \"bpf\"\n",
     "p.toml:3: steering.pins: \"bpf\" will not do: write the absolute path of a folder"},
    {"[hub]\n[steering]\npins = \"/\"\n", "p.toml:3: steering.pins: \"/\" will not do"},
    {"[hub]\n[steering]\ndevice = \"012345678901234\"\n",
     "p.toml:3: steering.device: \"012345678901234\" will not do: write 1 to 14 letters"},
    {"[hub]\n[steering]\ndevice = \"\"\n", "p.toml:3: steering.device: \"\" will not do"},
    {"[hub]\n[steering]\ndevice = \"a b\"\n", "p.toml:3: steering.device: \"a b\" will not do"},
    {"[hub]\n[steering]\ndevice = \"..\"\n", "p.toml:3: steering.device: \"..\" will not do"},
    {"[hub]\n[steering]\nnetwork = \"198.18.0.0\"\n",
     "p.toml:3: steering.network: \"198.18.0.0\" will not do: write an IPv4 network of /8 to /22"},
    {"[hub]\n[steering]\nnetwork = \"198.19.0.0/15\"\n", "p.toml:3: steering.network: \"198.19.0.0/15\""},
    {"[hub]\n[steering]\nnetwork = \"10.0.0.0/7\"\n", "p.toml:3: steering.network: \"10.0.0.0/7\""},
    {"[hub]\n[steering]\nnetwork = \"10.0.0.0/23\"\n", "p.toml:3: steering.network: \"10.0.0.0/23\""},
    {"[hub]\n[steering]\nnetwork = \"fd00::/16\"\n", "p.toml:3: steering.network: \"fd00::/16\""},
    {"[hub]\n[steering]\nsource_ports = []\n", "p.toml:3: steering.source_ports: a list will not do"},
    {"[hub]\n[steering]\nsource_ports = [0]\n", "p.toml:3: steering.source_ports: 0 will not do"},
    {"[hub]\n[guard]\nsource_rate = -1\n",
     "p.toml:3: guard.source_rate: -1 will not do: write a whole number from 0 to 1000000000"},
    {"[hub]\n[guard]\nnew_total_burst = 1000000001\n", "p.toml:3: guard.new_total_burst: 1000000001"},
    {"[hub]\n[guard]\nrate = 1\n",
     "p.toml:3: guard.rate: is not a key here: write one of new_source_burst, new_source_rate, "},
    {"[hub]\nlisten = []\n", "p.toml:2: hub.listen: a list will not do: write a list of 1 to 64 in brackets"},
    {"[hub]\nlisten = \"[::]:1\"\n", "p.toml:2: hub.listen: \"[::]:1\" will not do: write a list"},
    {"[hub]\nlisten = [\"::1:80\"]\n", "p.toml:2: hub.listen: \"::1:80\" will not do: write ADDRESS:PORT"},
    {"[hub]\nlisten = [\"[::]:1\", \"[::]:1\"]\n",
     "p.toml:2: hub.listen: \"[::]:1\" will not do: write it once"},
    {"[hub]\npublic = \"h\"\n", "p.toml:2: hub.public: \"h\" will not do: write HOST:PORT"},
    {"[hub]\n[[hub.edges]]\nid = \"a b\"\nsecret_file = \"s\"\n",
     "p.toml:3: hub.edges.id: \"a b\" names no edge"},
    {"[hub]\n[[hub.edges]]\nid = \"*\"\nsecret_file = \"s\"\n",
     "p.toml:3: hub.edges.id: \"*\" names no edge"},
    {"[hub]\n[[hub.edges]]\nid = \"a\"\n", "p.toml:2: hub.edges.secret_file: is missing and has no default"},
    {"[edge]\ntoken_file = \"t\"\ndirect_to = [\"10.0.0.1/8\"]\n",
     "p.toml:3: edge.direct_to: \"10.0.0.1/8\" will not do: write an address or a network"},
    {"[edge]\ntoken_file = \"t\"\nbind = [\"192.0.2.256\"]\n",
     "p.toml:3: edge.bind: \"192.0.2.256\" will not do: write an IP address"},
    {"[edge]\nhub = \"h:1\"\nid = \"a\"\nsecret_file = \"s\"\npins = [\"AAAA\"]\n",
     "p.toml:5: edge.pins: \"AAAA\" will not do: write the SHA-256"},
    {"[edge]\ntoken_file = \"t\"\n[edge.ports]\nallow = []\n",
     "p.toml:4: edge.ports.allow: a list will not do: write at least one port"},
    {"[edge]\ntoken_file = \"t\"\n[edge.ports]\nallow = 80\n",
     "p.toml:4: edge.ports.allow: 80 will not do: write a list of at most 4096 ports and ranges"},
    {"[edge]\ntoken_file = \"t\"\n[edge.ports]\ndeny = [0]\n",
     "p.toml:4: edge.ports.deny: 0 will not do: write a port"},
    {"[edge]\ntoken_file = \"t\"\n[edge.ports]\ndeny = [65536]\n",
     "p.toml:4: edge.ports.deny: 65536 will not do"},
    {"[edge]\ntoken_file = \"t\"\n[edge.ports]\ndeny = [\"9-8\"]\n",
     "p.toml:4: edge.ports.deny: \"9-8\" will not do"},
    {"[edge]\ntoken_file = \"t\"\n[edge.ports]\ndeny = [80, \"79-81\"]\n",
     "p.toml:4: edge.ports.deny: \"79-81\" will not do: write each port once"},
};
INSTANTIATE_TEST_SUITE_P(Values, Refuses, testing::ValuesIn(kValues));

constexpr Case kServices[] = {
    {"[hub]\n[[service]]\nports = [1]\ntarget = \"t\"\n", "p.toml:2: service.name: is missing"},
    {"[hub]\n[[service]]\nname = \"a\"\ntarget = \"t\"\n", "p.toml:2: service.ports: is missing"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\n", "p.toml:2: service.target: is missing"},
    {"[hub]\n[[service]]\nname = \"-a\"\nports = [1]\ntarget = \"t\"\n",
     "p.toml:3: service.name: \"-a\" will not do"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = []\ntarget = \"t\"\n",
     "p.toml:4: service.ports: a list will not do: write at least one port"},
    {"[hub]\n[[service]]\nname = \"a\"\nprotocol = \"sctp\"\nports = [1]\ntarget = \"t\"\n",
     "p.toml:4: service.protocol: \"sctp\" will not do: write \"tcp\" or \"udp\" or \"both\""},
    {"[hub]\n[[service]]\nname = \"a\"\nprotocol = \"udp\"\nports = [1]\ntarget = \"t\"\nclient = "
     "\"proxy-v1\"\n",
     "p.toml:7: service.client: \"proxy-v1\" is for TCP alone and protocol is \"udp\": write \"proxy-v2\" or "
     "\"none\""},
    {"[hub]\n[[service]]\nname = \"a\"\nprotocol = \"both\"\nports = [1]\ntarget = \"t\"\nclient = "
     "\"proxy-v1\"\n",
     "p.toml:7: service.client: \"proxy-v1\" is for TCP alone and protocol is \"both\""},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\nclient = \"proxy-v2\"\nproxy_v2 = "
     "\"first\"\n",
     "p.toml:7: service.proxy_v2: \"first\" has no effect while protocol is \"tcp\": write \"every\", or "
     "protocol "
     "\"udp\" or \"both\""},
    {"[hub]\n[[service]]\nname = \"a\"\nprotocol = \"udp\"\nports = [1]\ntarget = \"t\"\nproxy_v2 = "
     "\"separate\"\n",
     "p.toml:7: service.proxy_v2: \"separate\" has no effect while client is \"none\": write \"every\", or "
     "client "
     "\"proxy-v2\""},
    {"[hub]\n[[service]]\nname = \"a\"\nprotocol = \"udp\"\nports = [1]\ntarget = \"t\"\nproxy_v2 = "
     "\"once\"\n",
     "p.toml:7: service.proxy_v2: \"once\" will not do: write \"every\" or \"first\" or \"separate\""},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\nudp_idle = \"999ms\"\n",
     "p.toml:6: service.udp_idle: \"999ms\" will not do: write a duration in quotes, a number with ms, s, m "
     "or h, "
     "from 1s to 24h"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\nudp_idle = \"1441m\"\n",
     "p.toml:6: service.udp_idle: \"1441m\" will not do"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t:0\"\n",
     "p.toml:5: service.target: \"t:0\" will not do: write \"HOST\", \"HOST:PORT\" or \"HOST:PORT+\""},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\nedges = []\ntarget = \"t\"\n",
     "p.toml:5: service.edges: a list will not do"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\nedges = [\"*\", \"a\"]\ntarget = \"t\"\n",
     "p.toml:5: service.edges: \"*\" names no edge"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\nedges = [\"a\", \"a\"]\ntarget = \"t\"\n",
     "p.toml:5: service.edges: \"a\" will not do: write it once"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\nclient = \"proxy\"\n",
     "p.toml:6: service.client: \"proxy\" will not do: write \"none\" or \"proxy-v1\" or \"proxy-v2\" or "
     "\"transparent\""},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\nclient = \"transparent\"\n",
     "p.toml:6: service.client: \"transparent\" is for UDP alone and protocol is \"tcp\": write \"proxy-v2\" "
     "or \"none\", or protocol \"udp\""},
    {"[hub]\n[[service]]\nname = \"a\"\nprotocol = \"both\"\nports = [1]\ntarget = \"t\"\nclient = "
     "\"transparent\"\n",
     "p.toml:7: service.client: \"transparent\" is for UDP alone and protocol is \"both\""},
    {"[hub]\n[[service]]\nname = \"a\"\nprotocol = \"udp\"\nports = [1]\ntarget = \"t\"\nclient = "
     "\"transparent\"\nproxy_v2 = \"first\"\n",
     "p.toml:8: service.proxy_v2: \"first\" has no effect while client is \"transparent\""},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\nmax_flows = -1\n",
     "p.toml:6: service.max_flows: -1 will not do"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [\"1-100\"]\ntarget = \"t:65500+\"\n",
     "p.toml:5: service.target: \"t:65500+\" would take port 100 to 65599, beyond 65535"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\n[[service]]\nname = \"a\"\nports = "
     "[2]\ntarget = \"t\"\n",
     "p.toml:7: service.name: two services are named \"a\": rename one"},
    {"[hub]\n[[service]]\nname = \"a\"\nports = [\"10-20\"]\ntarget = \"t\"\n[[service]]\nname = "
     "\"b\"\nports = [1, 20]\nedges = [\"e\"]\ntarget = \"t\"\n",
     "p.toml:8: service.ports: services \"a\" and \"b\" both claim TCP port 20 of an edge"},
    {"[hub]\n[[service]]\nname = \"a\"\nprotocol = \"udp\"\nports = [\"10-20\"]\ntarget = "
     "\"t\"\n[[service]]\nname "
     "= \"b\"\nprotocol = \"both\"\nports = [1, 20]\ntarget = \"t\"\n",
     "p.toml:10: service.ports: services \"a\" and \"b\" both claim UDP port 20 of an edge"},
};
INSTANTIATE_TEST_SUITE_P(Services, Refuses, testing::ValuesIn(kServices));

constexpr std::string_view kPin = "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"";

constexpr Case kRelations[] = {
    {"", "p.toml: the node has no role: write a section [hub] or [edge]"},
    {"[node]\nname = \"a\"\n", "p.toml: the node has no role"},
    {"[edge]\ntoken_file = \"t\"\n[[service]]\nname = \"a\"\nports = [1]\ntarget = \"t\"\n",
     "p.toml:3: service: services belong to a hub"},
    {"[hub]\n[admin]\nhttp = \"192.0.2.1:80\"\n",
     "p.toml:3: admin.http: 192.0.2.1:80 can be reached from other machines: write a loopback address, or "
     "http_public = true"},
    {"[hub]\n[admin]\nhttp = \"[::]:80\"\n", "p.toml:3: admin.http: [::]:80 can be reached"},
    {"[hub]\n[limits]\nflows = 16385\n",
     "p.toml:2: limits.window_budget: 16385 flows of 16KiB each need at least 262160KiB: raise it, or lower "
     "limits.flows"},
    {"[hub]\n[limits]\nwindow_budget = \"191MiB\"\n",
     "p.toml:3: limits.window_budget: 12288 flows of 16KiB each need at least 192MiB"},
    {"[hub]\n[tunnel]\nping = \"15s\"\n", "p.toml:2: tunnel.timeout: 15s gives a peer up before its answer"},
    {"[hub]\ncertificate = \"c\"\n", "p.toml:2: hub.certificate: certificate and key go together"},
    {"[hub]\nkey = \"k\"\n", "p.toml:2: hub.key: certificate and key go together"},
    {"[hub]\n[[hub.edges]]\nid = \"a\"\nsecret_file = \"s\"\n[[hub.edges]]\nid = \"a\"\nsecret_file = "
     "\"s\"\n",
     "p.toml:6: hub.edges.id: two edges have the id \"a\": rename one"},
    {"[edge]\n", "p.toml:1: edge.hub: is missing: write edge.token_file, or all of hub, id and secret_file"},
    {"[edge]\nhub = \"h:1\"\nid = \"a\"\n", "p.toml:1: edge.secret_file: is missing"},
    {"[edge]\nhub = \"h:1\"\nsecret_file = \"s\"\n", "p.toml:1: edge.id: is missing"},
    {"[edge]\nhub = \"h:1\"\nid = \"a\"\nsecret_file = \"s\"\n",
     "p.toml:1: edge.pins: nothing proves that the hub is ours"},
    {"[edge]\ntoken_file = \"t\"\nhub = \"h:1\"\n", "p.toml:3: edge.hub: the token holds it already"},
    {"[edge]\ntoken_file = \"t\"\nid = \"a\"\n", "p.toml:3: edge.id: the token holds it already"},
    {"[edge]\ntoken_file = \"t\"\nsecret_file = \"s\"\n",
     "p.toml:3: edge.secret_file: the token holds it already"},
    {"[edge]\ntoken_file = \"t\"\npins = [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n",
     "p.toml:3: edge.pins: the token holds the hub's pins"},
    {"[edge]\nhub = \"h:1\"\nid = \"a\"\nsecret_file = \"s\"\nca_file = \"c\"\npins = "
     "[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n",
     "p.toml:5: edge.ca_file: the hub is known by its pins already"},
    {"[edge]\ntoken_file = \"t\"\nca_file = \"c\"\ninsecure_accept_any_hub = true\n",
     "p.toml:4: edge.insecure_accept_any_hub: contradicts pins and ca_file"},
    {"[edge]\ntoken_file = \"t\"\nhub_name = \"n\"\n",
     "p.toml:3: edge.hub_name: is compared with a certificate that ca_file verifies"},
    {"[edge]\ntoken_file = \"t\"\n[edge.ports]\nallow = [22, 80]\ndeny = [\"1-100\"]\n",
     "p.toml:5: edge.ports.deny: denies every port that allow permits"},
};
INSTANTIATE_TEST_SUITE_P(Relations, Refuses, testing::ValuesIn(kRelations));

TEST(ConfigErrors, AcceptsWhatStandsJustWithinTheRelations) {
  parsed("[hub]\n[limits]\nflows = 16384\n");
  parsed("[hub]\n[tunnel]\nping = \"14999ms\"\n");
  parsed("[hub]\n[limits]\nsessions = 1048576\nbackend_sockets = 65536\ndatagram_queue = \"64MiB\"\n");
  parsed("[hub]\n[flow]\nunreplied = \"10m\"\nquarantine = \"1h\"\n");
  parsed("[hub]\n[admin]\nhttp = \"127.0.0.1:80\"\n");
  parsed("[hub]\n[admin]\nhttp = \"0.0.0.0:80\"\nhttp_public = true\n");
  parsed("[edge]\ntoken_file = \"t\"\nca_file = \"c\"\nhub_name = \"n\"\n");
  parsed("[edge]\ntoken_file = \"t\"\ninsecure_accept_any_hub = true\n");
  parsed("[edge]\nhub = \"h:1\"\nid = \"a\"\nsecret_file = \"s\"\ninsecure_accept_any_hub = true\n");
  parsed("[edge]\nhub = \"h:1\"\nid = \"a\"\nsecret_file = \"s\"\npins = [" + std::string{kPin} + "]\n");
}

TEST(ConfigErrors, ReportsAllInTheOrderOfTheFile) {
  const std::string what =
      refusal("[flow]\ndial = 1\n[node]\nworkers = -1\n[hub]\nx = 1\n[admin]\nhttp = \"192.0.2.1:80\"\n");

  EXPECT_EQ(what.substr(0, what.find(": ")), "p.toml:2");
  EXPECT_EQ(std::count(what.begin(), what.end(), '\n'), 3);
  EXPECT_LT(what.find("p.toml:2: flow.dial"), what.find("p.toml:4: node.workers"));
  EXPECT_LT(what.find("p.toml:4: node.workers"), what.find("p.toml:6: hub.x"));
  EXPECT_LT(what.find("p.toml:6: hub.x"), what.find("p.toml:8: admin.http"));
}

TEST(ConfigErrors, ShowsTwentyAndCountsTheRest) {
  std::string text = "[hub]\n";
  for (int i = 0; i < 23; ++i) text += "x" + std::to_string(i) + " = 1\n";

  const std::string what = refusal(text);

  EXPECT_EQ(std::count(what.begin(), what.end(), '\n'), 20);
  EXPECT_THAT(what, HasSubstr("p.toml:21: hub.x19: "));
  EXPECT_THAT(what, testing::Not(HasSubstr("hub.x20")));
  EXPECT_THAT(what, testing::EndsWith("\nand 3 more"));
}

TEST(ConfigErrors, DoNotCompareKeysThatWereRefused) {
  const std::string what = refusal("[hub]\n[limits]\nflows = 0\nwindow_budget = \"1MiB\"\n");

  EXPECT_THAT(what, StartsWith("p.toml:3: limits.flows"));
  EXPECT_THAT(what, testing::Not(HasSubstr("limits.window_budget")));
}

TEST(ConfigErrors, DoNotBlameAHeaderOnAnotherThatWasRefused) {
  const std::string what = refusal(
      "[hub]\n[[service]]\nname = \"a\"\nprotocol = \"upd\"\nports = [1]\ntarget = \"t\"\nclient = "
      "\"proxy-v2\"\nproxy_v2 = \"first\"\n");

  EXPECT_THAT(what, StartsWith("p.toml:4: service.protocol"));
  EXPECT_THAT(what, testing::Not(HasSubstr("has no effect")));
}

TEST(ConfigErrors, RefuseATextThatIsTooLarge) {
  const std::string text = "[hub]\n" + std::string(1 << 20, '\n');

  EXPECT_EQ(refusal(text), "p.toml is larger than 1048576 bytes");
}

}  // namespace
}  // namespace penstock
