#include "admin/server.h"

#include "server_fixture.h"

namespace penstock {
namespace {

using test::RawClient;
using test::TempDir;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST_F(AdminServerTest, AnswersOneRequestAfterAnother) {
  start();
  RawClient client{path_};

  client.send(kHello);
  EXPECT_THAT(client.read_until("world\"}\n"),
              StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"));
  client.forget();
  const std::string second =
      client.ask("POST /echo/a%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");

  EXPECT_THAT(second, StartsWith("HTTP/1.1 201 Created\r\n"));
  EXPECT_THAT(second, EndsWith("\r\n\r\n{\"what\":\"a b\",\"size\":3}\n"));
}

TEST_F(AdminServerTest, AnswersRequestsThatCameTogetherAndInPieces) {
  start();
  RawClient client{path_};

  client.send(std::string{kHello} + std::string{kHelloAndEnd.substr(0, 10)});
  client.read_until("world\"}\n");
  const std::string both = client.ask(kHelloAndEnd.substr(10));

  EXPECT_NE(both.find("world"), both.rfind("world"));
  EXPECT_THAT(both, EndsWith("{\"hello\":\"world\"}\n"));
}

TEST_F(AdminServerTest, HeadHasNoBodyAndHttp10EndsItself) {
  start();

  const std::string head =
      RawClient{path_}.ask("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: 18\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  EXPECT_THAT(RawClient{path_}.ask("GET /hello HTTP/1.0\r\n\r\n"), EndsWith("{\"hello\":\"world\"}\n"));
}

TEST_F(AdminServerTest, AnswersErrorsOfTheRouter) {
  start();

  EXPECT_THAT(RawClient{path_}.ask("GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              HasSubstr(" 404 "));
  EXPECT_THAT(RawClient{path_}.ask("PUT /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              HasSubstr(" 405 "));
  EXPECT_THAT(RawClient{path_}.ask("GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              HasSubstr(" 400 "));
  EXPECT_THAT(RawClient{path_}.ask("GET /throw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              HasSubstr(" 500 "));
}

TEST_F(AdminServerTest, BadHttpEndsAConnectionAndNotTheServer) {
  start();
  const std::string rows[] = {"\r\n\r\n\r\n",
                              "GET\r\n\r\n",
                              std::string(64, '\0'),
                              "\x16\x03\x01\x02 tls hello\r\n\r\n",
                              "GET / HTTP/9.9\r\n\r\n",
                              "POST /echo/a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                              "POST /echo/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                              "GET /hello HTTP/1.1\r\nbad header\r\n\r\n"};
  for (const auto& row : rows) {
    const std::string answer = RawClient{path_}.ask(row);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << row;
    EXPECT_THAT(answer, HasSubstr("the request is not HTTP/1.1: ")) << row;
    EXPECT_THAT(answer, Not(EndsWith("(no end)"))) << row;
  }
  EXPECT_THAT(RawClient{path_}.ask(kHelloAndEnd), HasSubstr("world"));
}

TEST_F(AdminServerTest, RefusesWhatIsTooLarge) {
  start();

  RawClient header{path_};
  EXPECT_THAT(header.ask("GET /hello HTTP/1.1\r\nX: " + std::string(9 * 1024, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  RawClient body{path_};
  EXPECT_THAT(body.ask("POST /echo/a HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  RawClient fits{path_};
  EXPECT_THAT(fits.ask("POST /echo/a HTTP/1.1\r\nConnection: close\r\nContent-Length: 1048576\r\n\r\n" +
                       std::string(1 << 20, 'x')),
              HasSubstr("\"size\":1048576"));
}

TEST_F(AdminServerTest, AnEndInTheMiddleNeedsNoAnswer) {
  start();
  RawClient client{path_};
  client.send("GET /hel");
  shutdown(client.fd(), SHUT_WR);

  EXPECT_EQ(client.read_all(), "");
}

TEST_F(AdminServerTest, ClosesAConnectionThatIsSilent) {
  AdminLimits limits;
  limits.read = 20ms;
  start(limits);
  RawClient client{path_};

  client.send("GET /hello HTTP/1.1\r\nHo");

  EXPECT_EQ(client.read_all(), "");
}

TEST_F(AdminServerTest, ClosesAConnectionThatDoesNotTakeItsAnswer) {
  AdminLimits limits;
  limits.write = 20ms;
  limits.connections = 1;
  start(limits);
  RawClient slow{path_};
  slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");

  // The only place is free again once the slow one is cut off.
  std::string answer;
  while (answer.empty()) answer = RawClient{path_}.ask(kHelloAndEnd);

  EXPECT_THAT(answer, HasSubstr("world"));
  EXPECT_LT(slow.read_all().size(), std::size_t{8 << 20});
}

TEST_F(AdminServerTest, ServesOnlySoManyAtOnce) {
  AdminLimits limits;
  limits.connections = 2;
  start(limits);
  RawClient one{path_};
  RawClient two{path_};
  one.send(kHello);
  two.send(kHello);
  one.read_until("world");
  two.read_until("world");

  EXPECT_THAT(RawClient{path_}.read_all(), IsEmpty());

  one.forget();
  one.send(kHello);
  EXPECT_THAT(one.read_until("world"), HasSubstr("world"));
}

TEST_F(AdminServerTest, AnAnswerMayComeLaterFromAnotherThread) {
  start();
  RawClient client{path_};
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  asked_.get_future().wait();

  later_.front().json({{"late", true}});

  EXPECT_THAT(client.read_until("late"), HasSubstr("{\"late\":true}"));
}

TEST_F(AdminServerTest, AHandlerThatTakesTooLongIsAnswered504) {
  AdminLimits limits;
  limits.answer = 20ms;
  start(limits);

  EXPECT_THAT(RawClient{path_}.ask("GET /later HTTP/1.1\r\nConnection: close\r\n\r\n"), HasSubstr(" 504 "));

  later_.front().json({});  // too late: goes nowhere
  EXPECT_THAT(RawClient{path_}.ask(kHelloAndEnd), HasSubstr("world"));
}

TEST_F(AdminServerTest, AReplyMayOutliveTheServer) {
  start();
  RawClient client{path_};
  client.send("GET /later HTTP/1.1\r\n\r\n");
  asked_.get_future().wait();

  stop();
  later_.clear();  // answers 500, to nobody

  EXPECT_EQ(client.read_all(), "");
}

TEST_F(AdminServerTest, HttpServesOnlyWhatEveryoneMaySee) {
  start();

  EXPECT_THAT(RawClient{http_}.ask("GET /live HTTP/1.1\r\nConnection: close\r\n\r\n"),
              HasSubstr("{\"live\":true}"));
  EXPECT_THAT(RawClient{http_}.ask("GET /ready HTTP/1.1\r\nConnection: close\r\n\r\n"),
              HasSubstr("{\"ready\":true}"));
  for (const char* path : {"/hello", "/v1/events", "/", "/live/x", "/%6cive/"}) {
    EXPECT_THAT(RawClient{http_}.ask("GET " + std::string{path} + " HTTP/1.1\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 404 "))
        << path;
  }
}

TEST_F(AdminServerTest, StopEndsEveryKindOfConnection) {
  start();
  RawClient idle{path_};
  idle.send(kHello);
  idle.read_until("world");
  RawClient half{path_};
  half.send("GET /hello HT");
  RawClient waiting{path_};
  waiting.send("GET /later HTTP/1.1\r\n\r\n");
  asked_.get_future().wait();
  RawClient stuck{path_};
  stuck.send("GET /large HTTP/1.1\r\n\r\n");
  stuck.read_until("HTTP/1.1 200");

  stop();

  EXPECT_FALSE(RawClient{path_}.connected());
  EXPECT_THAT(idle.read_all(), EndsWith("{\"hello\":\"world\"}\n"));
  EXPECT_EQ(half.read_all(), "");
  EXPECT_EQ(waiting.read_all(), "");
}

TEST(AdminServer, StopsBeforeTheLoopEverRan) {
  const TempDir dir;
  boost::asio::io_context io;
  Router router;
  EventLog log;
  AdminServer server{io, router, log};
  ASSERT_TRUE(server.listen_unix(dir / "a"));

  server.stop();
  io.poll();

  EXPECT_TRUE(server.idle());
}

}  // namespace
}  // namespace penstock
