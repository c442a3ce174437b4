#include "admin/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace penstock {
namespace {

using testing::HasSubstr;

TEST(RequestTarget, SplitsFirstAndDecodesThen) {
  struct Row {
    const char* text;
    RequestTarget want;
  };
  const Row rows[] = {
      {"/", {{""}, {}}},
      {"/v1/edges", {{"v1", "edges"}, {}}},
      {"/v1/edges/", {{"v1", "edges", ""}, {}}},
      {"/v1/edges/a%2Fb%20c+d", {{"v1", "edges", "a/b c+d"}, {}}},
      {"/f?a=1&b=%3d%26&c&d==", {{"f"}, {{"a", "1"}, {"b", "=&"}, {"c", ""}, {"d", "="}}}},
      {"/f?", {{"f"}, {}}},
      {"/f?&&a=1&", {{"f"}, {{"a", "1"}}}},
      {"/f?a=/x?y", {{"f"}, {{"a", "/x?y"}}}},
  };
  for (const auto& row : rows) {
    const auto got = RequestTarget::parse(row.text);
    ASSERT_TRUE(got) << row.text << ": " << got.error().what;
    EXPECT_EQ(*got, row.want) << row.text;
  }
}

TEST(RequestTarget, RefusesWhatCannotBeDecoded) {
  for (const char* text :
       {"", "v1", "http://h/v1", "*", "/%", "/%4", "/%g0", "/%0g", "/%00", "/a?%zz=1", "/a?b=%1"}) {
    EXPECT_FALSE(RequestTarget::parse(text)) << text;
  }
  EXPECT_THAT(RequestTarget::parse("/f?a=1&a=2").error().what, HasSubstr("'a' twice"));
}

class RouterTest : public testing::Test {
 protected:
  AdminResponse ask(const std::string& method, std::string_view path) {
    std::optional<AdminResponse> out;
    AdminRequest request;
    request.method = method;
    request.target = *RequestTarget::parse(path);
    router_.route(std::move(request), AdminReply{[&](AdminResponse response) {
                    EXPECT_FALSE(out) << "answered twice";
                    out = std::move(response);
                  }});
    return out.value_or(AdminResponse{});
  }
  void add(std::string_view method, std::string_view pattern) {
    router_.add(method, pattern, [pattern](const AdminRequest& request, AdminReply reply) {
      std::string text{pattern};
      for (const auto& [name, value] : request.parameters) text += " " + name + "=" + value;
      AdminResponse response;
      response.body = text + (request.query("q") != nullptr ? " q=" + *request.query("q") : "");
      reply(std::move(response));
    });
  }

  Router router_;
};

TEST_F(RouterTest, CallsTheHandlerWithItsParameters) {
  add("GET", "/v1/edges");
  add("POST", "/v1/edges/{id}/rotate");
  add("DELETE", "/v1/edges/{id}");

  EXPECT_EQ(ask("GET", "/v1/edges?q=x%20y").body, "/v1/edges q=x y");
  EXPECT_EQ(ask("HEAD", "/v1/edges").body, "/v1/edges");
  EXPECT_EQ(ask("POST", "/v1/edges/fra%2f1/rotate").body, "/v1/edges/{id}/rotate id=fra/1");
  EXPECT_EQ(ask("DELETE", "/v1/edges/rotate").body, "/v1/edges/{id} id=rotate");
}

TEST_F(RouterTest, SaysWhatIsNotThere) {
  add("GET", "/v1/edges/{id}");

  for (const char* path : {"/", "/v1", "/v1/edges", "/v1/edges/", "/v1/edges/a/b", "/V1/edges/a"}) {
    const auto response = ask("GET", path);
    EXPECT_EQ(response.status, 404u) << path;
    EXPECT_THAT(response.body, HasSubstr("\"error\":\"there is nothing at")) << path;
  }
  EXPECT_THAT(ask("GET", "/%1b%5b2J").body, HasSubstr("/\\\\x1b[2J"));
}

TEST_F(RouterTest, SaysWhichMethodsThereAre) {
  add("GET", "/v1/edges");
  add("POST", "/v1/edges");

  const auto response = ask("PUT", "/v1/edges");

  EXPECT_EQ(response.status, 405u);
  EXPECT_EQ(response.body, "{\"error\":\"/v1/edges takes GET or POST, not PUT\"}\n");
}

TEST_F(RouterTest, AHandlerThatForgetsToAnswerAnswers500) {
  router_.add("GET", "/lost", [](const AdminRequest&, AdminReply) {});

  EXPECT_EQ(ask("GET", "/lost").status, 500u);
}

TEST(RouterDeathTest, RefusesTwoHandlersForOneRequest) {
  Router router;
  router.add("GET", "/a", [](const AdminRequest&, AdminReply reply) { reply.json({}); });
  EXPECT_DEATH(router.add("GET", "/a", [](const AdminRequest&, AdminReply reply) { reply.json({}); }),
               "two handlers");
}

TEST(AdminReplyDeathTest, ASecondAnswerIsABug) {
  AdminReply reply{[](AdminResponse) {}};
  reply.json({});
  EXPECT_DEATH(reply.json({}), "answered twice");
}

TEST(AdminReply, GivesErrorsTheirStatus) {
  const std::pair<Errc, unsigned> rows[] = {
      {Errc::kInvalid, 400}, {Errc::kRefused, 403},  {Errc::kNotFound, 404},   {Errc::kExists, 409},
      {Errc::kLimit, 429},   {Errc::kProtocol, 500}, {Errc::kUnavailable, 503}};
  for (const auto& [code, status] : rows) {
    AdminResponse got;
    AdminReply{[&](AdminResponse response) { got = std::move(response); }}.error(
        error(code, "no \"x\" here"));
    EXPECT_EQ(got.status, status);
    EXPECT_EQ(got.body, "{\"error\":\"no \\\"x\\\" here\"}\n");
  }
}

}  // namespace
}  // namespace penstock
