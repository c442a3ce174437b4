#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ctl_fake.h"
#include "penstockctl/views.h"

namespace penstock::ctl {
namespace {

using test::object;
using testing::HasSubstr;
using testing::MatchesRegex;

TEST(View, Status) {
  EXPECT_EQ(view_status(object(
                R"({"name":"fra","version":"0.1.0","pid":812,"uptime_s":11520,"roles":["hub","edge"],
    "ready":false,"why":["the tunnel is down","no port listens"],"draining":true,"log_level":"info",
    "flows":{"open":12,"opened":"9007199254740993","limit":12288},
    "sessions":{"open":3,"opened":40,"limit":131072},
    "bytes":{"to_backend":"1258291","to_client":3565158},
    "window":{"budget":"268435456","granted_to_backend":"524288","granted_to_client":"0"},
    "reasons":{"dial_failed":3,"client_reset":10},
    "edge":{"id":"fra1","hub":"hub.example:8443","connected":false,"carriers_up":0,"carriers_wanted":2,
            "last_error":"refused","ports":"80,8000-8100","udp_ports":"53","held":1},
    "hub":{"listen":["[::]:8443"],"pin":"abc","edges_known":3,"edges_connected":2,"services":1}})")),
            "node       fra, penstock 0.1.0, pid 812, up 3h12m\n"
            "roles      hub, edge\n"
            "ready      no: the tunnel is down; no port listens\n"
            "draining   yes: takes no new flows\n"
            "log level  info\n"
            "edge       fra1, hub hub.example:8443: not connected, 0 of 2 carriers up\n"
            "           ports 80,8000-8100; udp ports 53; 1 connection held for the tunnel\n"
            "           last error: refused\n"
            "hub        listens on [::]:8443\n"
            "           2 of 3 edges connected, 1 service\n"
            "           pin abc\n"
            "flows      12 open of at most 12288, 9007199254740993 opened since the start\n"
            "sessions   3 open of at most 131072, 40 opened since the start\n"
            "bytes      1.2 MiB to backends, 3.4 MiB to clients\n"
            "window     512.0 KiB to backends, 0 B to clients granted, of 256.0 MiB each\n"
            "reasons    dial_failed 3\n"
            "           client_reset 10\n");
}

TEST(View, StatusOfAReadyNodeOfOneRole) {
  const auto text = view_status(
      object(R"({"name":"h","ready":true,"why":[],"draining":false,"roles":["hub"],"hub":{"pin":"p"}})"));
  EXPECT_THAT(text, HasSubstr("ready      yes\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("draining")));
  EXPECT_THAT(text, testing::Not(HasSubstr("edge ")));
  EXPECT_THAT(text, testing::Not(HasSubstr("reasons")));
}

TEST(View, Edges) {
  EXPECT_EQ(view_edges(object(R"({"edges":[
    {"id":"fra1","origin":"file","position":"penstock.toml:12","connected":true,"address":"192.0.2.1:4000","carriers":2,
     "flows":7,"connected_s":192,"legacy":false,"ports_failed":1,"rotating":true},
    {"id":"old","origin":"store","position":"","connected":false,"address":"","carriers":0,"flows":0,"connected_s":0,
     "legacy":true,"ports_failed":0,"rotating":false}]})")),
            "EDGE  STATE                ADDRESS         CARRIERS  FLOWS  CONNECTED  PORTS FAILED  FROM\n"
            "fra1  connected, rotating  192.0.2.1:4000         2      7      3m12s             1  "
            "penstock.toml:12\n"
            "old   offline, legacy      -                      0      0          -             0  store\n");
  EXPECT_EQ(view_edges(object(R"({"edges":[]})")), "no edges: add one with penstockctl edges add NAME\n");
}

TEST(View, Services) {
  EXPECT_EQ(view_services(object(R"({"services":[
    {"name":"web","protocol":"tcp","ports":[80,"8000-8100"],"edges":["*"],"target":"web.internal","client":"proxy-v2",
     "max_flows":100,"max_flows_per_source":0,"idle":"0s","draining":false,"origin":"store","position":"","flows":3,
     "flows_total":"1000","bytes_to_backend":"1536","bytes_to_client":"0","addresses":["10.0.0.5"]},
    {"name":"ssh","protocol":"both","proxy_v2":"every","ports":[2222],"edges":["a","b"],"target":"h:22","client":"none","max_flows":0,"draining":true,
     "origin":"file","position":"p.toml:3","flows":0,"flows_total":0,"addresses":["10.0.0.6"]},
    {"name":"new","protocol":"udp","proxy_v2":"first","ports":[1],"edges":["*"],"target":"n","client":"proxy-v2","origin":"store","flows":0,
     "flows_total":0,"addresses":[]}]})")),
            "SERVICE  PROTOCOL  PORTS         EDGES  TARGET        CLIENT          FLOWS  TOTAL  TO BACKEND  "
            "TO CLIENT  STATE       FROM\n"
            "web      tcp       80,8000-8100  *      web.internal  proxy-v2        3/100   1000     1.5 KiB  "
            "      0 B  serving     store\n"
            "ssh      both      2222          a,b    h:22          none                0      0         0 B  "
            "      0 B  draining    p.toml:3\n"
            "new      udp       1             *      n             proxy-v2 first      0      0         0 B  "
            "      0 B  no address  store\n");
  EXPECT_EQ(view_services(object("{}")),
            "no services: add one with penstockctl services add NAME --ports LIST --target HOST\n");
}

TEST(View, Ports) {
  EXPECT_EQ(view_ports(object(R"({"ports":[
    {"edge":"fra1","service":"web","protocol":"tcp","ports":"80","state":"listening","reason":"","message":""},
    {"edge":"fra1","service":"ssh","protocol":"udp","ports":"22","state":"failed","reason":"port_denied","message":"ports.deny has it"},
    {"edge":"ams1","service":"web","protocol":"tcp","ports":"80","state":"failed","reason":"port_in_use"}]})")),
            "EDGE  SERVICE  PROTOCOL  PORTS  STATE      WHY\n"
            "fra1  web      tcp       80     listening  -\n"
            "fra1  ssh      udp       22     failed     port_denied: ports.deny has it\n"
            "ams1  web      tcp       80     failed     port_in_use\n");
  EXPECT_THAT(view_ports(object("{}")), HasSubstr("no ports are assigned"));
}

TEST(View, Flows) {
  EXPECT_EQ(view_flows(object(R"({"flows":[
    {"id":"fra1/ab12/7","service":"web","edge":"fra1","client":"192.0.2.9:5000","local":"198.51.100.1:80",
     "backend":"10.0.0.5:80","age_s":61,"idle_s":2,"to_backend":"500","to_client":"2048","state":"open",
     "tier":"data","carrier":1}],
    "total":3})")),
            "FLOW         SERVICE  EDGE  CLIENT          LOCAL            BACKEND      STATE    AGE  IDLE  "
            "TO BACKEND  TO CLIENT  TIER  CARRIER\n"
            "fra1/ab12/7  web      fra1  192.0.2.9:5000  198.51.100.1:80  10.0.0.5:80  open   1m01s    2s    "
            "   500 B    2.0 KiB  data        1\n"
            "1 of 3 flows; --limit N shows more\n");
  EXPECT_EQ(view_flows(object(R"({"flows":[],"total":0})")), "no flows: none is open that matches\n");
  EXPECT_EQ(view_flows(object(R"({"flows":[],"total":9})")), "0 of 9 flows; --limit N shows more\n");
}

TEST(View, Sessions) {
  EXPECT_EQ(view_sessions(object(R"({"sessions":[
    {"id":1049600,"service":"dns","edge":"fra1","client":"192.0.2.9:5000","local":"198.51.100.1:53",
     "way":"direct","backend":"10.0.0.5:53","source":"10.0.0.1:40001","state":"assured","age_s":61.5,"idle_s":0.25,
     "to_backend":{"datagrams":12,"bytes":500},"to_client":{"datagrams":"11","bytes":"2048"}},
    {"id":7,"service":"dns","edge":"fra1","client":"[2001:db8::9]:1","local":"[2001:db8::1]:53",
     "way":"tunnel","backend":"","source":"","state":"unreplied","age_s":2.5,"idle_s":2.5,
     "to_backend":{"datagrams":1,"bytes":0},"to_client":{"datagrams":0,"bytes":0}}],
    "total":3})")),
            "SESSION  SERVICE  EDGE  CLIENT           LOCAL             WAY     BACKEND      SOURCE          "
            "STATE    "
            "    AGE  IDLE  TO BACKEND  BYTES  TO CLIENT    BYTES\n"
            "1049600  dns      fra1  192.0.2.9:5000   198.51.100.1:53   direct  10.0.0.5:53  10.0.0.1:40001  "
            "assured  "
            "  1m01s    0s          12  500 B         11  2.0 KiB\n"
            "      7  dns      fra1  [2001:db8::9]:1  [2001:db8::1]:53  tunnel  -            -               "
            "unreplied"
            "     2s    2s           1    0 B          0      0 B\n"
            "2 of 3 sessions; --limit N shows more\n");
  EXPECT_EQ(view_sessions(object(R"({"sessions":[],"total":0})")),
            "no sessions: none is open that matches\n");
  EXPECT_EQ(view_sessions(object(R"({"sessions":[],"total":9})")), "0 of 9 sessions; --limit N shows more\n");
}

TEST(View, LedgerThatBalances) {
  EXPECT_EQ(view_ledger(object(R"({"balanced":true,"rows":[
    {"service":"","unit":"datagrams","hop":"tunnel_to_client","received":2,"sent":0,"held":0,"dropped":2,
     "reasons":{"no_session":2},"bytes":{"received":9,"sent":0,"held":0,"dropped":9},"balanced":true},
    {"service":"dns","unit":"datagrams","hop":"client_to_tunnel","received":"9007199254740993","sent":100,
     "held":1,"dropped":4,"reasons":{"queue_full":3,"tunnel_down":1},"bytes":{"received":2048},"balanced":true},
    {"service":"web","unit":"flows","hop":"client_to_tunnel","received":5,"sent":4,"held":1,"dropped":0,
     "reasons":{},"bytes":{"received":500},"balanced":true}]})")),
            "SERVICE  UNIT       HOP                       RECEIVED  SENT  HELD  DROPPED    BYTES\n"
            "-        datagrams  tunnel_to_client                 2     0     0        2      9 B\n"
            "dns      datagrams  client_to_tunnel  9007199254740993   100     1        4  2.0 KiB\n"
            "web      flows      client_to_tunnel                 5     4     1        0    500 B\n"
            "\n"
            "SERVICE  UNIT       HOP               REASON       DROPPED\n"
            "-        datagrams  tunnel_to_client  no_session         2\n"
            "dns      datagrams  client_to_tunnel  queue_full         3\n"
            "dns      datagrams  client_to_tunnel  tunnel_down        1\n"
            "\n"
            "the books balance\n");
  EXPECT_EQ(view_ledger(object(R"({"balanced":true,"rows":[]})")),
            "no books: nothing came since the start\n\nthe books balance\n");
}

TEST(View, LedgerNamesTheLinesThatDoNotBalance) {
  EXPECT_EQ(view_ledger(object(R"({"balanced":false,"rows":[
    {"service":"dns","unit":"datagrams","hop":"backend_to_tunnel","received":5,"sent":3,"held":0,"dropped":1,
     "reasons":{"queue_full":1},"bytes":{"received":5000,"sent":3000,"held":0,"dropped":1000},"balanced":false},
    {"service":"web","unit":"flows","hop":"tunnel_to_backend","received":5,"sent":4,"held":1,"dropped":0,
     "reasons":{},"bytes":{"received":500},"balanced":true}]})")),
            "SERVICE  UNIT       HOP                RECEIVED  SENT  HELD  DROPPED    BYTES\n"
            "dns      datagrams  backend_to_tunnel         5     3     0        1  4.9 KiB\n"
            "web      flows      tunnel_to_backend         5     4     1        0    500 B\n"
            "\n"
            "SERVICE  UNIT       HOP                REASON      DROPPED\n"
            "dns      datagrams  backend_to_tunnel  queue_full        1\n"
            "\n"
            "dns datagrams backend_to_tunnel does not balance: received 5 (5000 bytes) is not sent 3 (3000 "
            "bytes) + held 0 (0 bytes) + dropped 1 (1000 bytes)\n");
}

TEST(View, Tunnels) {
  const std::string table = view_tunnels(object(R"({"tunnels":[
    {"edge":"fra1","instance":"00ab","legacy":false,"carriers":[
     {"index":0,"kind":"tls","worker":1,"peer":"192.0.2.1:4000","local":"10.0.0.1:8443",
      "cipher":"TLS_AES_128_GCM_SHA256","rtt_us":12345,"age_s":5,"flows":2,"sent":"1024","received":"0",
      "resumed":true,"up":true,"why":"","why_tls":"peer_unreachable: no answer"},
     {"index":1,"kind":"quic","worker":0,"peer":"192.0.2.1:4001","local":"10.0.0.1:8443","cipher":"AES-128-GCM",
      "rtt_us":20000,"age_s":9,"flows":1,"sent":"0","received":"0","resumed":false,"up":true,"why":"",
      "quic":{"sent_packets":2000,"lost_packets":13,"marked_packets":4,"congestion_window":2048,"migrations":1}},
     {"index":2,"kind":"quic","worker":0,"peer":"","local":"","cipher":"","rtt_us":0,"age_s":0,"flows":0,"sent":0,
      "received":0,"up":false,"why":"pin_mismatch"}]},
    {"edge":"old","instance":"0","legacy":true,"carriers":[{"index":0,"kind":"tls","up":false}]}]})"));
  const auto row = [&table](int wanted) {
    std::istringstream lines{table};
    std::string line;
    for (int i = 0; i <= wanted; ++i) std::getline(lines, line);
    return line;
  };
  EXPECT_THAT(row(0),
              MatchesRegex("EDGE +INSTANCE +CARRIER +KIND +STATE +WORKER +PEER +LOCAL +CIPHER +RTT +LOST "
                           "+MARKED +WINDOW +MOVED +RESUMED +AGE +FLOWS +SENT +RECEIVED"));
  EXPECT_THAT(row(1),
              MatchesRegex("fra1 +00ab +0 +tls +up, for want of QUIC: peer_unreachable: no answer +1 "
                           "+192.0.2.1:4000 +10.0.0.1:8443 +TLS_AES_128_GCM_SHA256 +12.3ms +- +- +- +- +yes "
                           "+5s +2 +1.0 KiB +0 B"));
  EXPECT_THAT(row(2), MatchesRegex("fra1 +00ab +1 +quic +up +0 +192.0.2.1:4001 +10.0.0.1:8443 +AES-128-GCM "
                                   "+20.0ms +0.65 % +4 +2.0 KiB +1 +no +9s +1 +0 B +0 B"));
  EXPECT_THAT(row(3), MatchesRegex("fra1 +00ab +2 +quic +down: pin_mismatch +0 .*"));
  EXPECT_THAT(row(4), MatchesRegex("old +legacy +0 +tls +down .*"));
  EXPECT_THAT(view_tunnels(object(R"({"tunnels":[]})")), HasSubstr("no tunnels"));
}

TEST(View, Events) {
  EXPECT_EQ(
      view_event(
          R"({"time":"2024-05-06T07:08:09.010Z","seq":7,"event":"stream_closed","reason":"client_reset",)"
          R"("to_backend":"12","ok":true,"text":"two words","list":[1,2],"none":""})"),
      "2024-05-06T07:08:09.010Z stream_closed reason=client_reset to_backend=12 ok=true text=\"two words\" "
      "list=[1,2] none=\"\"\n");
  EXPECT_EQ(view_event("[1]"), "[1]\n");
  EXPECT_EQ(view_event("no json\x1b"), "no json\\x1b\n");
}

TEST(View, IsSafeForATerminal) {
  const auto edges =
      view_edges(object(R"({"edges":[{"id":"\u001b[2J","address":"a\nb","carriers":"\u0007"}]})"));
  EXPECT_THAT(edges, HasSubstr("\\x1b[2J"));
  EXPECT_THAT(edges, HasSubstr("a\\x0ab"));
  EXPECT_THAT(edges, HasSubstr("\\x07"));
  EXPECT_EQ(view_event(R"({"time":"t","event":"e","k\u001b":"v\u001b"})"), "t e k\\x1b=v\\x1b\n");
  const char* ledger =
      R"({"rows":[{"service":"\u001b","unit":"\u001b","hop":"\u001b","reasons":{"\u001b":"\u001b"},)"
      R"("received":"\u001b","bytes":{"sent":"\u001b"}}]})";
  EXPECT_THAT(view_ledger(object(ledger)), testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(view_status(object(R"({"name":"\u001b","reasons":{"\u001b":1}})")),
              testing::Not(HasSubstr("\x1b")));
}

TEST(View, ToleratesJsonOfAnotherForm) {
  const char* rows[] = {R"({"edges":7})", R"({"edges":[7,null,"x",[]]})",
                        R"({"edges":[{"id":{},"carriers":-1.5,"connected":"yes"}]})"};
  for (const char* row : rows) EXPECT_FALSE(view_edges(object(row)).empty()) << row;
  EXPECT_FALSE(view_status(object(R"({"flows":[],"bytes":7,"why":"x","hub":[],"uptime_s":-5,"reasons":[1]})"))
                   .empty());
  EXPECT_FALSE(view_sessions(object(R"({"sessions":[{"id":{},"to_client":7},3],"total":-1})")).empty());
  EXPECT_FALSE(view_ledger(object(R"({"rows":[{"reasons":[1],"bytes":"x"},null]})")).empty());
  EXPECT_FALSE(view_flows(object(R"({"flows":[{"age_s":1e300,"to_client":"x"}],"total":-1})")).empty());
}

}  // namespace
}  // namespace penstock::ctl
