#include "admin/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using testing::HasSubstr;

AdminRequest with_body(std::string body) {
  AdminRequest out;
  out.body = std::move(body);
  return out;
}

TEST(Body, ReadsTheKnownKeys) {
  const auto body =
      parse_body(with_body(R"({"id":"fra1","hub":null,"on":true})"), {"id", "hub", "secret", "on"});
  ASSERT_TRUE(body);

  EXPECT_EQ(*required_text(*body, "id"), "fra1");
  EXPECT_EQ(*optional_text(*body, "hub"), std::nullopt);
  EXPECT_EQ(*optional_text(*body, "secret"), std::nullopt);
  EXPECT_EQ(*optional_text(*body, "id"), "fra1");
  EXPECT_TRUE(*required_bool(*body, "on"));
  EXPECT_TRUE(parse_body(with_body(""), {})->empty());
}

TEST(Body, NamesWhatIsWrong) {
  EXPECT_THAT(parse_body(with_body("{"), {}).error().what, HasSubstr("not JSON"));
  EXPECT_THAT(parse_body(with_body("[]"), {}).error().what, HasSubstr("must be a JSON object"));
  EXPECT_THAT(parse_body(with_body(std::string(1000, '[')), {}).error().what, HasSubstr("not JSON"));
  EXPECT_THAT(parse_body(with_body(R"({"hob":1})"), {"id", "hub"}).error().what,
              HasSubstr("\"hob\" is not a key of this request; known are: id, hub"));
  const boost::json::object body{{"id", 7}, {"on", "yes"}};
  EXPECT_EQ(required_text(body, "id").error().what, "\"id\" must be a string");
  EXPECT_EQ(required_text(body, "hub").error().what, "\"hub\" is missing");
  EXPECT_EQ(required_bool(body, "on").error().what, "\"on\" must be true or false");
  EXPECT_EQ(required_bool(body, "off").error().what, "\"off\" is missing");
}

TEST(Body, ReadsNumbersOfTheQuery) {
  AdminRequest request;
  request.target = *RequestTarget::parse("/f?limit=20&big=1001&bad=1x&minus=-1");

  EXPECT_EQ(*query_number(request, "limit", 100, 1000), 20u);
  EXPECT_EQ(*query_number(request, "none", 100, 1000), 100u);
  for (const char* name : {"big", "bad", "minus"}) {
    EXPECT_THAT(query_number(request, name, 100, 1000).error().what, HasSubstr("at most 1000")) << name;
  }
}

}  // namespace
}  // namespace penstock
