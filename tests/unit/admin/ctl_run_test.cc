#include "penstockctl/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "base/file_descriptor.h"
#include "ctl_fake.h"
#include "penstockctl/ask.h"
#include "temp_dir.h"

namespace penstock::ctl {

void PrintTo(const DaemonRequest& request, std::ostream* out) {
  *out << request.method << " " << request.target << " " << request.body;
}

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kWeb =
    R"({"name":"web","protocol":"tcp","ports":[80,443],"edges":["*"],"target":"h","client":"none","max_flows":0,)"
    R"("max_flows_per_source":0,"idle":"0s","draining":false})";

class CtlRunTest : public testing::Test {
 protected:
  test::FakeWorld world_;
};

TEST_F(CtlRunTest, EveryNounAsksForItsPartAndPrintsRawJson) {
  const std::pair<std::vector<std::string>, const char*> rows[] = {
      {{}, "/v1/status"},
      {{"status"}, "/v1/status"},
      {{"edges"}, "/v1/edges"},
      {{"services", "list"}, "/v1/services"},
      {{"ports"}, "/v1/ports"},
      {{"flows"}, "/v1/flows"},
      {{"flows", "--client", "2001:db8::1", "--limit", "7"}, "/v1/flows?client=2001%3Adb8%3A%3A1&limit=7"},
      {{"sessions"}, "/v1/sessions"},
      {{"sessions", "--state", "replied", "--client", "192.0.2.1:53", "--edge", "a", "--service", "dns",
        "--limit", "7"},
       "/v1/sessions?client=192.0.2.1%3A53&edge=a&limit=7&service=dns&state=replied"},
      {{"guard", "--within", "192.0.2.0/24", "--limit", "7"}, "/v1/guard?limit=7&within=192.0.2.0%2F24"},
      {{"packets"}, "/v1/packets"},
      {{"tunnels"}, "/v1/tunnels"},
  };
  for (const auto& [words, target] : rows) {
    test::FakeWorld world;
    world.answer(200, R"({"a" : "\u001b"})");
    auto with_json = words;
    with_json.push_back("--json");
    EXPECT_EQ(world.run(with_json), ExitStatus::kDone) << target;
    EXPECT_THAT(world.asked, ElementsAre(DaemonRequest{"GET", target}));
    EXPECT_EQ(world.out(), "{\"a\" : \"\\u001b\"}\n");

    test::FakeWorld people;
    people.answer(200, "{}");
    EXPECT_EQ(people.run(words), ExitStatus::kDone) << target;
    EXPECT_THAT(people.out(), testing::Not(StartsWith("{"))) << target;
    EXPECT_EQ(people.err(), "");
  }
}

TEST_F(CtlRunTest, EveryVerbSendsItsChangeAndSaysWhatItDid) {
  struct Row {
    std::vector<std::string> words;
    DaemonRequest request;
    const char* answer;
    const char* said;
  };
  const Row rows[] = {
      {{"edges", "remove", "fra/1"},
       {"DELETE", "/v1/edges/fra%2F1"},
       R"({"id":"fra/1","flows_closed":3})",
       "edge fra/1 removed, 3 flows closed\n"},
      {{"services", "add", "web", "--ports", "443,80", "--target", "h"},
       {"POST", "/v1/services", R"({"ports":[80,443],"target":"h","name":"web"})"},
       kWeb,
       "service web added: tcp ports 80,443 at edges * to h, client none\n"},
      {{"services", "add", "all", "--ports", "80,81-90", "--target", "h:1+", "--client", "proxy-v1",
        "--edges", "a,b", "--max-flows", "5", "--max-flows-per-source", "2", "--idle", "5m"},
       {"POST", "/v1/services",
        R"({"ports":["80-90"],"target":"h:1+","client":"proxy-v1","edges":["a","b"],"max_flows":5,)"
        R"("max_flows_per_source":2,"idle":"5m","name":"all"})"},
       kWeb,
       "service web added: tcp ports 80,443 at edges * to h, client none\n"},
      {{"services", "add", "dns", "--ports", "53", "--target", "h", "--protocol", "both", "--client",
        "proxy-v2", "--proxy-v2", "separate", "--udp-idle", "5s"},
       {"POST", "/v1/services",
        R"({"ports":[53],"protocol":"both","target":"h","client":"proxy-v2","proxy_v2":"separate",)"
        R"("udp_idle":"5s","name":"dns"})"},
       R"({"name":"dns","protocol":"both","ports":[53],"edges":["*"],"target":"h","client":"proxy-v2",)"
       R"("proxy_v2":"separate"})",
       "service dns added: tcp and udp ports 53 at edges * to h, client proxy-v2 separate\n"},
      {{"services", "remove", "web"},
       {"DELETE", "/v1/services/web"},
       R"({"name":"web","flows_closed":1})",
       "service web removed, 1 flow closed\n"},
      {{"ports", "add", "web", "80,81-90"},
       {"POST", "/v1/services/web/ports", R"({"add":"80,81-90"})"},
       kWeb,
       "service web has ports 80,443 now\n"},
      {{"ports", "remove", "web", "80"},
       {"POST", "/v1/services/web/ports", R"({"remove":"80"})"},
       kWeb,
       "service web has ports 80,443 now\n"},
      {{"drain"},
       {"POST", "/v1/drain"},
       R"({"draining":true})",
       "the node is draining: it takes no new flows\n"},
      {{"drain", "web"},
       {"POST", "/v1/services/web/drain", R"({"on":true})"},
       R"({"name":"web","draining":true})",
       "service web is draining: it takes no new flows\n"},
      {{"drain", "web", "--off"},
       {"POST", "/v1/services/web/drain", R"({"on":false})"},
       kWeb,
       "service web takes new flows\n"},
      {{"reload"},
       {"POST", "/v1/reload"},
       R"({"changed":["service web added","log level info"],"restart_needed":[]})",
       "service web added\nlog level info\n"},
      {{"reload"},
       {"POST", "/v1/reload"},
       R"({"changed":[],"restart_needed":["node.workers","hub.listen"]})",
       "nothing changed\nneeds a restart: node.workers, hub.listen\n"},
      {{"log-level", "debug"},
       {"PUT", "/v1/log-level", R"({"level":"debug"})"},
       R"({"level":"debug"})",
       "the log level is debug\n"},
  };
  for (const auto& row : rows) {
    test::FakeWorld world;
    world.answer(200, row.answer);
    EXPECT_EQ(world.run(row.words), ExitStatus::kDone) << world.err();
    EXPECT_THAT(world.asked, ElementsAre(row.request));
    EXPECT_EQ(world.out(), row.said);

    test::FakeWorld raw;
    raw.answer(200, row.answer);
    auto with_json = row.words;
    with_json.push_back("--json");
    EXPECT_EQ(raw.run(with_json), ExitStatus::kDone);
    EXPECT_EQ(raw.out(), std::string{row.answer} + "\n");
  }
}

TEST_F(CtlRunTest, ServicesSetChangesOnlyWhatIsNamed) {
  world_.answer(
      200,
      R"({"services":[{"name":"other"},{"name":"web","ports":[80],"target":"h","max_flows":9,"protocol":"tcp",
    "origin":"store","position":"","flows":1,"flows_total":"5","bytes_to_backend":"1","bytes_to_client":"2","addresses":["10.0.0.1"]}]})");
  world_.answer(200, kWeb);

  EXPECT_EQ(world_.run({"services", "set", "web", "--ports", "80,443", "--idle", "5m"}), ExitStatus::kDone)
      << world_.err();

  ASSERT_EQ(world_.asked.size(), 2u);
  EXPECT_EQ(world_.asked[0], (DaemonRequest{"GET", "/v1/services"}));
  EXPECT_EQ(world_.asked[1].method, "PUT");
  EXPECT_EQ(world_.asked[1].target, "/v1/services/web");
  EXPECT_EQ(
      boost::json::parse(world_.asked[1].body),
      boost::json::parse(
          R"({"name":"web","ports":[80,443],"target":"h","max_flows":9,"protocol":"tcp","idle":"5m"})"));
  EXPECT_EQ(world_.out(), "service web changed: tcp ports 80,443 at edges * to h, client none\n");
}

TEST_F(CtlRunTest, ServicesSetOfAnUnknownServiceIsRefused) {
  world_.answer(200, R"({"services":[]})");

  EXPECT_EQ(world_.run({"services", "set", "web", "--idle", "5m"}), ExitStatus::kRefused);
  EXPECT_THAT(world_.err(), HasSubstr("there is no service 'web'"));
}

TEST_F(CtlRunTest, EdgesAddPrintsTheTokenAlone) {
  const penstock::test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "secret", "0123456789abcdef\n", 0600));
  world_.answer(201, R"({"id":"fra1","token":"eyJ0"})");

  EXPECT_EQ(
      world_.run({"edges", "add", "fra1", "--hub", "hub.example:8443", "--secret-file", dir / "secret"}),
      ExitStatus::kDone)
      << world_.err();

  EXPECT_THAT(world_.asked, ElementsAre(DaemonRequest{
                                "POST", "/v1/edges",
                                R"({"hub":"hub.example:8443","secret":"0123456789abcdef","id":"fra1"})"}));
  EXPECT_EQ(world_.out(), "eyJ0\n");
  EXPECT_THAT(world_.err(), HasSubstr("edge fra1 added"));
}

TEST_F(CtlRunTest, EdgesRotatePrintsTheTokenAlone) {
  world_.answer(200, R"({"id":"fra1","token":"eyJ1"})");

  EXPECT_EQ(world_.run({"edges", "rotate", "fra1"}), ExitStatus::kDone);

  EXPECT_THAT(world_.asked, ElementsAre(DaemonRequest{"POST", "/v1/edges/fra1/rotate", "{}"}));
  EXPECT_EQ(world_.out(), "eyJ1\n");
  EXPECT_THAT(world_.err(), HasSubstr("24 hours"));
}

TEST_F(CtlRunTest, EdgesAddAsJsonHasNoNote) {
  world_.answer(201, R"({"id":"fra1","token":"eyJ0"})");

  EXPECT_EQ(world_.run({"edges", "add", "fra1", "--json"}), ExitStatus::kDone);

  EXPECT_EQ(world_.out(), "{\"id\":\"fra1\",\"token\":\"eyJ0\"}\n");
  EXPECT_EQ(world_.err(), "");
}

TEST_F(CtlRunTest, WrongValuesAreFoundBeforeTheDaemonIsAsked) {
  const penstock::test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "open", "0123456789abcdef\n", 0644));
  ASSERT_TRUE(write_file(dir / "spaced", "0123 456\n", 0600));
  const std::pair<std::vector<std::string>, const char*> rows[] = {
      {{"edges", "add", ""}, "'' is no edge id"},
      {{"edges", "add", "a b"}, "'a b' is no edge id"},
      {{"edges", "rotate", "a\n"}, "'a\\x0a' is no edge id"},
      {{"edges", "remove", ""}, "'' is no edge id"},
      {{"edges", "add", "a", "--hub", "h"}, "--hub: 'h' is not HOST:PORT"},
      {{"edges", "add", "a", "--secret-file", dir / "none"}, "--secret-file: "},
      {{"edges", "add", "a", "--secret-file", dir / "open"}, "--secret-file: "},
      {{"edges", "add", "a", "--secret-file", dir / "spaced"}, "no space"},
      {{"services", "add", "web", "--ports", "80"}, "services add needs --ports and --target"},
      {{"services", "add", "web", "--target", "h"}, "services add needs --ports and --target"},
      {{"services", "add", "web", "--ports", "80,,81", "--target", "h"}, "--ports: "},
      {{"services", "add", "web", "--ports", "90-80", "--target", "h"}, "--ports: "},
      {{"services", "add", "web", "--ports", "80", "--target", "h", "--max-flows", "-1"},
       "--max-flows: '-1' is not a whole number"},
      {{"services", "set", "web"}, "services set needs an option to change"},
      {{"ports", "add", "web", "0"}, "0"},
      {{"ports", "remove", "web", ""}, "''"},
      {{"flows", "--limit", "many"}, "--limit: 'many' is not a whole number"},
      {{"sessions", "--limit", "-1"}, "--limit: '-1' is not a whole number"},
      {{"sessions", "--state", "open\x1b"}, "--state: 'open\\x1b' is not unreplied, replied or assured"},
      {{"drain", "--off"}, "drain --off needs SERVICE"},
      {{"metrics", "--json"}, "leave out --json"},
      {{"help", "frob"}, "there is no command 'frob'"},
      {{"frob"}, "unknown command 'frob'"},
  };
  for (const auto& [words, what] : rows) {
    test::FakeWorld world;
    EXPECT_EQ(world.run(words), ExitStatus::kUsage) << what;
    EXPECT_THAT(world.err(), StartsWith("penstockctl: "));
    EXPECT_THAT(world.err(), HasSubstr(what));
    EXPECT_THAT(world.asked, testing::IsEmpty()) << what;
    EXPECT_EQ(world.out(), "");
  }
}

TEST_F(CtlRunTest, ARefusalIsTheDaemonsOwnSentence) {
  world_.answer(409, R"({"error":"the edge \u001b 'fra1' exists"})");

  EXPECT_EQ(world_.run({"edges", "add", "fra1"}), ExitStatus::kRefused);

  EXPECT_EQ(world_.err(), "penstockctl: the edge \\x1b 'fra1' exists\n");
  EXPECT_EQ(world_.out(), "");
}

TEST_F(CtlRunTest, ARefusalWithoutSentenceTellsTheStatus) {
  for (const char* body : {"", "<html>", "[]", R"({"error":7})"}) {
    test::FakeWorld world;
    world.answer(502, body);
    EXPECT_EQ(world.run({"edges"}), ExitStatus::kRefused);
    EXPECT_THAT(world.err(), HasSubstr("answered 502")) << body;
  }
}

TEST_F(CtlRunTest, ADaemonThatIsNotThereOrNotOurs) {
  world_.answer(error(Errc::kUnavailable, "is penstockd running?"));
  EXPECT_EQ(world_.run({"status"}), ExitStatus::kUnreachable);
  EXPECT_EQ(world_.err(), "penstockctl: is penstockd running?\n");

  test::FakeWorld other;
  other.answer(200, "<html>");
  EXPECT_EQ(other.run({"status"}), ExitStatus::kUnreachable);
  EXPECT_THAT(other.err(), HasSubstr("another program behind the socket"));
}

TEST_F(CtlRunTest, BooksThatBalanceAreSuccess) {
  const char* body = R"({"balanced":true,"rows":[]})";
  world_.answer(200, body);
  EXPECT_EQ(world_.run({"ledger"}), ExitStatus::kDone);
  EXPECT_THAT(world_.asked, ElementsAre(DaemonRequest{"GET", "/v1/ledger"}));
  EXPECT_THAT(world_.out(), testing::EndsWith("the books balance\n"));
  EXPECT_EQ(world_.err(), "");

  test::FakeWorld raw;
  raw.answer(200, body);
  EXPECT_EQ(raw.run({"ledger", "--json"}), ExitStatus::kDone);
  EXPECT_EQ(raw.out(), std::string{body} + "\n");
}

TEST_F(CtlRunTest, TheBooksBetweenNodesHaveATableOfTheirOwn) {
  world_.answer(200,
                R"({"balanced":true,"rows":[],"between":[{"edge":"fra1","unit":"datagrams",)"
                R"("direction":"to_backend","sent":9,"received":7,"missing":2,"bytes":{"missing":31}}]})");
  EXPECT_EQ(world_.run({"ledger"}), ExitStatus::kDone);
  EXPECT_THAT(world_.out(), HasSubstr("fra1  datagrams  to_backend     9         7        2             31"));
}

TEST_F(CtlRunTest, BooksThatDoNotBalanceAreShownAndNoSuccess) {
  const char* body =
      R"({"balanced":false,"rows":[{"service":"dns","unit":"datagrams","hop":"tunnel_to_client","balanced":false}]})";
  world_.answer(200, body);
  EXPECT_EQ(world_.run({"ledger"}), ExitStatus::kRefused);
  EXPECT_THAT(world_.out(), HasSubstr("\ndns datagrams tunnel_to_client does not balance: "));
  EXPECT_THAT(world_.err(), StartsWith("penstockctl: the books do not balance"));

  test::FakeWorld raw;
  raw.answer(200, body);
  EXPECT_EQ(raw.run({"ledger", "--json"}), ExitStatus::kRefused);
  EXPECT_EQ(raw.out(), std::string{body} + "\n");
  EXPECT_THAT(raw.err(), StartsWith("penstockctl: the books do not balance"));
}

TEST_F(CtlRunTest, BooksOfWhichNothingIsSaidAreNoSuccess) {
  for (const char* body : {"{}", R"({"balanced":"true"})", R"({"rows":[{"balanced":true}]})"}) {
    test::FakeWorld world;
    world.answer(200, body);
    EXPECT_EQ(world.run({"ledger"}), ExitStatus::kRefused) << body;
    EXPECT_THAT(world.out(), HasSubstr("does not say that its books balance")) << body;
  }
  world_.answer(200, "<html>");
  EXPECT_EQ(world_.run({"ledger", "--json"}), ExitStatus::kUnreachable);
}

TEST_F(CtlRunTest, FindsTheSocket) {
  world_.run({"reload"});
  world_.variable("PENSTOCK_SOCKET", "");
  world_.run({"reload"});
  world_.variable("PENSTOCK_SOCKET", "/from/environment");
  world_.run({"reload"});
  world_.run({"reload", "--socket", "/from/option"});

  EXPECT_THAT(world_.sockets, ElementsAre("/run/penstock/admin.sock", "/run/penstock/admin.sock",
                                          "/from/environment", "/from/option"));
}

TEST_F(CtlRunTest, EventsAreShownOneALine) {
  const char* lines =
      "{\"time\":\"t1\",\"seq\":1,\"event\":\"edge_added\",\"id\":\"a\"}\n{\"time\":\"t2\",\"event\":"
      "\"draining\"}\n";
  world_.answer(200, lines);
  EXPECT_EQ(world_.run({"events"}), ExitStatus::kDone);
  EXPECT_THAT(world_.asked, ElementsAre(DaemonRequest{"GET", "/v1/events"}));
  EXPECT_EQ(world_.out(), "t1 edge_added id=a\nt2 draining\n");

  test::FakeWorld raw;
  raw.answer(200, lines);
  EXPECT_EQ(raw.run({"events", "--json"}), ExitStatus::kDone);
  EXPECT_EQ(raw.out(), lines);

  test::FakeWorld none;
  none.answer(200, "");
  EXPECT_EQ(none.run({"events"}), ExitStatus::kDone);
  EXPECT_THAT(none.out(), StartsWith("no events yet"));
}

TEST_F(CtlRunTest, AFollowedStreamThatEndsMeansThatTheDaemonStops) {
  world_.answer(200, "{\"time\":\"t\",\"event\":\"draining\"}\n");

  EXPECT_EQ(world_.run({"events", "--follow"}), ExitStatus::kUnreachable);

  EXPECT_THAT(world_.asked, ElementsAre(DaemonRequest{"GET", "/v1/events?follow=1"}));
  EXPECT_EQ(world_.out(), "t draining\n");
  EXPECT_THAT(world_.err(), HasSubstr("it is stopping"));
}

TEST_F(CtlRunTest, MetricsArePrintedAsTheyAreButPrintable) {
  world_.answer(200, "# HELP a b\na{x=\"\x1b\"} 1\nend");

  EXPECT_EQ(world_.run({"metrics"}), ExitStatus::kDone);

  EXPECT_THAT(world_.asked, ElementsAre(DaemonRequest{"GET", "/metrics"}));
  EXPECT_EQ(world_.out(), "# HELP a b\na{x=\"\\x1b\"} 1\nend\n");
}

TEST_F(CtlRunTest, OutputThatCannotBeWrittenIsNoSuccess) {
  world_.answer(201, R"({"id":"fra1","token":"eyJ0"})");
  world_.break_output();

  EXPECT_EQ(world_.run({"edges", "add", "fra1"}), ExitStatus::kUsage);
  EXPECT_THAT(world_.err(), HasSubstr("cannot be written"));
}

TEST(PercentEncode, LeavesOnlyWhatIsSafe) {
  EXPECT_EQ(percent_encode("aZ09-._~/ %\xc3?&+"), "aZ09-._~%2F%20%25%C3%3F%26%2B");
}

}  // namespace
}  // namespace penstock::ctl
