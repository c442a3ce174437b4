// GET /v1/events over a real socket.
#include "server_fixture.h"

namespace penstock {
namespace {

using test::RawClient;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using EventStreamTest = AdminServerTest;

TEST_F(EventStreamTest, GivesTheKeptEvents) {
  log_.publish("edge_added", {{"id", "fra1"}});
  log_.publish("edge_removed", {{"id", "fra1"}});
  start();

  const std::string answer = RawClient{path_}.ask("GET /v1/events HTTP/1.1\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("Content-Type: application/x-ndjson\r\n"));
  EXPECT_THAT(answer, HasSubstr("\"event\":\"edge_added\",\"id\":\"fra1\"}\n{"));
  EXPECT_THAT(answer, EndsWith("\"event\":\"edge_removed\",\"id\":\"fra1\"}\n"));
  EXPECT_THAT(RawClient{path_}.ask("GET /v1/events?follow=yes HTTP/1.1\r\nConnection: close\r\n\r\n"),
              HasSubstr(" 400 "));
}

TEST_F(EventStreamTest, FollowersHearEventsAsTheyHappenAndAnOrderlyEnd) {
  log_.publish("draining");
  start();
  RawClient client{path_};
  client.send(kFollow);
  client.read_until("\r\n\r\n");

  log_.publish("edge_added", {{"id", "fra1"}});
  EXPECT_THAT(client.read_until("fra1\"}\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  log_.publish("edge_removed", {{"id", "fra1"}});
  EXPECT_THAT(client.read_until("edge_removed"), Not(HasSubstr("draining")));
  stop();

  EXPECT_THAT(client.read_all(), EndsWith("}\n\r\n0\r\n\r\n"));
}

TEST_F(EventStreamTest, FollowersOfHttp10GetPlainLines) {
  start();
  RawClient client{path_};
  client.send("GET /v1/events?follow=1 HTTP/1.0\r\n\r\n");
  client.read_until("\r\n\r\n");
  client.forget();

  log_.publish("draining");

  EXPECT_THAT(client.read_until("}\n"), StartsWith("{\"time\":"));
}

TEST_F(EventStreamTest, AQuietFollowerGetsHeartbeats) {
  AdminLimits limits;
  limits.heartbeat = 5ms;
  start(limits);
  RawClient client{path_};
  client.send(kFollow);

  EXPECT_THAT(client.read_until("1\r\n\n\r\n1\r\n\n\r\n"), HasSubstr("\r\n\r\n1\r\n\n\r\n1\r\n\n\r\n"));
}

TEST_F(EventStreamTest, AFollowerThatIsGoneFreesItsPlace) {
  AdminLimits limits;
  limits.heartbeat = 5ms;
  limits.connections = 1;
  start(limits);
  {
    RawClient client{path_};
    client.send(kFollow);
    client.read_until("\r\n\r\n");
  }
  std::string answer;
  while (answer.empty()) answer = RawClient{path_}.ask(kHelloAndEnd);
  EXPECT_THAT(answer, HasSubstr("world"));
}

TEST_F(EventStreamTest, ASlowFollowerIsToldWhatItLost) {
  start();
  RawClient client{path_};
  client.send(kFollow);
  client.read_until("\r\n\r\n");

  // More than the socket and the queue hold together, while the client does not read.
  const std::string filler(4096, 'x');
  for (std::size_t i = 0; i < 4 * EventLog::kQueued; ++i) log_.publish("reloaded", {{"filler", filler}});
  log_.publish("draining");

  EXPECT_THAT(client.read_until("\"draining\""), HasSubstr("\"event\":\"events_lost\",\"count\":"));
}

TEST_F(EventStreamTest, AFollowerThatNeverReadsIsCutOff) {
  AdminLimits limits;
  limits.reader = 20ms;
  limits.connections = 1;
  start(limits);
  RawClient stuck{path_};
  stuck.send(kFollow);
  stuck.read_until("\r\n\r\n");

  for (int i = 0; i < 1000; ++i) log_.publish("reloaded", {{"filler", std::string(4096, 'x')}});

  std::string answer;
  while (answer.empty()) answer = RawClient{path_}.ask(kHelloAndEnd);
  EXPECT_THAT(answer, HasSubstr("world"));
}

}  // namespace
}  // namespace penstock
