// An edge whose hub a test plays by hand.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "proto/handshake.h"
#include "proto/token.h"
#include "sim/scripted_peer.h"
#include "sim/world.h"

namespace penstock {

/// `peer()` is its first connection, whose EDGE line has come.
class ScriptedHubTest : public testing::Test {
 protected:
  ScriptedHubTest() {
    host.listen(World::hub_endpoint());
    edge = &world.add_edge_with(
        encode_token({.hub = {"192.0.2.1", 8443}, .edge_id = "e1", .secret = "s3cret", .pins = {{}}}), 1);
    EXPECT_TRUE(world.run_until([&] { return !host.peers().empty() && !peer().line().empty(); }, 1s));
  }
  ScriptedPeer& peer() { return *host.peers().front(); }
  static Assignment assignment(std::vector<std::string> features) {
    AssignedService web{.name = "web", .udp_idle = 60s};
    web.ports.add({443, 443});
    web.udp_ports.add({53, 53});
    Assignment out;
    out.penstock = Assignment::Extension{
        .features = std::move(features), .instance = 5, .generation = 1, .services = {web}};
    return out;
  }
  void assign() {
    peer().send(to_line(assignment({})));
    EXPECT_TRUE(world.run_until([&] { return !peer().frames(FrameType::kConfigResult).empty(); }, 1s));
  }
  std::string end() {
    EXPECT_TRUE(world.run_until([&] { return edge->journal().count("carrier_down") == 1; }, 3s));
    EXPECT_EQ(edge->journal().last("carrier_down").text("reason"), "protocol_error");
    EXPECT_EQ(peer().go_away().reason, PST_R_PROTOCOL_ERROR);
    return edge->journal().last("carrier_down").text("error");
  }

  World world{73};
  ScriptedHost host{world.internet, World::hub_address(), true};
  EdgeNode* edge = nullptr;
};

}  // namespace penstock
