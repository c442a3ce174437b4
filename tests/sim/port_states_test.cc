// What the hub tells of the ports of an edge, TCP and UDP apart. The edge is played by hand.
#include <gmock/gmock.h>

#include "sim/scripted_peer.h"
#include "sim/world.h"

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PortStatesTest : public testing::Test {
 protected:
  PortStatesTest() {
    world.start();
    token = decode_token(world.hub().hub().add_edge("played", {}, {}).value()).value();
    add("dns", Protocol::kBoth, {53, 56});
    add("mail", Protocol::kTcp, {80, 80});
  }
  void add(std::string name, Protocol protocol, PortRange ports) {
    Service service{
        .name = std::move(name), .protocol = protocol, .edges = {"played"}, .target = {.host = "10.0.0.9"}};
    service.ports.add(ports);
    world.hub().hub().add_service(service).value();
  }
  void connect() {
    host.dial(World::hub_endpoint());
    EXPECT_TRUE(world.run_until([&] { return !host.peers().empty(); }, 1s));
    peer().send("EDGE played " + token.secret + "\n");
    EXPECT_TRUE(world.run_until([&] { return !peer().line().empty(); }, 1s));
  }
  ScriptedPeer& peer() { return host.peer(); }
  Assignment assignment() { return parse_assignment(peer().line()).value(); }
  void report(ConfigResultMessage result) {
    result.generation = assignment().penstock->generation;
    peer().send(0, FrameType::kConfigResult, to_json(result));
    world.run_for(100ms);
  }
  /// "dns udp 53-54 listening", one a row; without the world's own service.
  std::vector<std::string> states() const {
    std::vector<std::string> out;
    for (const PortState& state : world.hub().hub().ports()) {
      if (state.edge != "played" || state.service == "web") continue;
      out.push_back(state.service + " " + std::string{to_string(state.protocol)} + " " +
                    state.ports.to_string() + " " + std::string{state.state});
      if (state.state == "failed") out.back().append(" ").append(label_of(state.reason));
    }
    return out;
  }
  static PortSet set_of(std::initializer_list<PortRange> ranges) {
    PortSet ports;
    for (const PortRange& range : ranges) ports.add(range);
    return ports;
  }

  mutable World world{72};
  Token token;
  ScriptedHost host{world.internet, IpAddress::v4(0xc6336463), true};
};

TEST_F(PortStatesTest, AreOfflineWithoutTheEdge) {
  EXPECT_THAT(states(), ElementsAre("dns tcp 53-56 offline", "dns udp 53-56 offline", "mail tcp 80 offline"));
}

TEST_F(PortStatesTest, ArePendingUntilTheEdgeHasReported) {
  connect();
  EXPECT_THAT(assignment().listen_ports, ElementsAre(53, 54, 55, 56, 80, World::kPort));
  EXPECT_THAT(assignment().listen_ports_udp, ElementsAre(53, 54, 55, 56));
  peer().send(0, FrameType::kHello, to_json(HelloMessage{.instance = 7, .software = "test"}));
  world.run_for(100ms);
  EXPECT_THAT(states(), ElementsAre("dns tcp 53-56 pending", "dns udp 53-56 pending", "mail tcp 80 pending"));
}

TEST_F(PortStatesTest, AreJudgedByProtocol) {
  connect();
  peer().send(0, FrameType::kHello, to_json(HelloMessage{.instance = 7, .software = "test"}));
  report({.ok = set_of({{53, 54}, {80, 80}}),
          .udp_ok = set_of({{54, 55}}),
          .failed = {{{55, 56}, PST_R_PORT_IN_USE, ""}, {{53, 53}, PST_R_PORT_DENIED, "", true}}});
  EXPECT_THAT(states(), ElementsAre("dns tcp 53-54 listening", "dns tcp 55-56 failed port_in_use",
                                    "dns udp 54-55 listening", "dns udp 53 failed port_denied",
                                    "dns udp 56 pending", "mail tcp 80 listening"));
}

TEST_F(PortStatesTest, AreListeningAtAnEdgeThatDoesNotReport) {
  connect();
  peer().send(0, FrameType::kPong, "");
  world.run_for(100ms);
  EXPECT_THAT(states(),
              ElementsAre("dns tcp 53-56 listening", "dns udp 53-56 listening", "mail tcp 80 listening"));
  EXPECT_THAT(world.hub().hub().ports().back().message, HasSubstr("published protocol"));
}

}  // namespace
}  // namespace penstock
