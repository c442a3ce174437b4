// What a reload can change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/parsing.h"

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kBoth = "[hub]\n[edge]\ntoken_file = \"/t\"\n";

TEST(RestartOnlyChanges, NoneBetweenEquals) {
  EXPECT_THAT(restart_only_changes(parsed(kBoth), parsed(kBoth)), IsEmpty());
}

TEST(RestartOnlyChanges, AreNamedInTheOrderOfTheSections) {
  Config wanted = parsed(kBoth);
  wanted.edge->carriers = 3;
  wanted.node.workers = 7;
  wanted.hub->listen = {};
  wanted.flow.hold = 1s;
  wanted.limits.sessions = 5;
  wanted.limits.backend_sockets = 5;
  wanted.steering = {.mode = SteeringConfig::Mode::kSocket,
                     .interfaces = {"eth0"},
                     .pins = "/p",
                     .device = "d",
                     .network_bits = 16,
                     .source_ports = {}};

  EXPECT_THAT(restart_only_changes(parsed(kBoth), wanted),
              ElementsAre("node.workers", "limits.sessions", "limits.backend_sockets", "flow.hold",
                          "steering.mode", "steering.interfaces", "steering.pins", "steering.device",
                          "steering.network", "steering.source_ports", "hub.listen", "edge.carriers"));
}

TEST(RestartOnlyChanges, LeaveOutWhatAReloadTakes) {
  Config wanted = parsed(kBoth);
  wanted.node.log_level = "debug";
  wanted.node.drain = 1s;
  wanted.limits.sessions_per_source = 5;
  wanted.guard = {.source_rate = 1,
                  .source_burst = 1,
                  .service_rate = 1,
                  .service_burst = 1,
                  .new_source_rate = 1,
                  .new_source_burst = 1,
                  .new_total_rate = 1,
                  .new_total_burst = 1};
  wanted.hub->public_address = HostPort{"h", 1};
  wanted.hub->edges.push_back({"a", "/s"});
  wanted.services.emplace_back();
  wanted.service_positions["a"] = {};
  wanted.edge_positions["a"] = {};

  EXPECT_THAT(restart_only_changes(parsed(kBoth), wanted), IsEmpty());
}

TEST(TakeReloadable, TakesWhatAReloadTakesAndNoMore) {
  Config running = parsed(kBoth);
  Config wanted = running;
  wanted.node.log_level = "debug";
  wanted.node.workers = 7;
  wanted.limits.handshakes = 3;
  wanted.limits.flows = 3;
  wanted.guard.source_rate = 1;
  wanted.hub->public_address = HostPort{"h", 1};
  wanted.edge->carriers = 3;
  wanted.edge->ports_deny = {};

  EXPECT_THAT(take_reloadable(running, wanted),
              ElementsAre("node.log_level", "limits.handshakes", "guard.source_rate", "hub.public",
                          "edge.ports.deny"));
  EXPECT_EQ(running.limits.handshakes, 3U);
  EXPECT_EQ(running.limits.flows, Config{}.limits.flows);
  EXPECT_THAT(restart_only_changes(running, wanted),
              ElementsAre("node.workers", "limits.flows", "edge.carriers"));
  EXPECT_THAT(take_reloadable(running, wanted), IsEmpty());
}

TEST(TakeReloadable, LeavesARoleThatCameToTheRestart) {
  Config hub = parsed("[hub]\n");
  EXPECT_THAT(take_reloadable(hub, parsed(kBoth)), IsEmpty());
  EXPECT_FALSE(hub.edge);
}

TEST(RestartOnlyChanges, NameARoleThatCameOrWent) {
  const Config hub = parsed("[hub]\n");
  const Config both = parsed(kBoth);

  EXPECT_THAT(restart_only_changes(hub, both), ElementsAre("edge"));
  EXPECT_THAT(restart_only_changes(both, hub), ElementsAre("edge"));
  EXPECT_THAT(restart_only_changes(hub, parsed("[edge]\ntoken_file = \"/t\"\n")), ElementsAre("hub", "edge"));
}

}  // namespace
}  // namespace penstock
