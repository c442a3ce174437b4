#include "proto/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/bytes.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string encoded(std::string_view json) {
  return to_base64url(as_bytes(json));
}

KeyPin pin_of(std::uint8_t first) {
  KeyPin pin;
  for (std::size_t i = 0; i < pin.size(); ++i) pin[i] = static_cast<std::byte>(first + i);
  return pin;
}

const Token kToken{{"hub.example.net", 8443}, "edge-1", "s3cret", {pin_of(0), pin_of(200)}};

TEST(Token, ReadsTheExampleOfThePublishedProtocol) {
  const auto token =
      decode_token("eyJoIjoiaHViLmV4YW1wbGUubmV0IiwicCI6ODQ0MywiZSI6ImVkZ2UtMSIsInMiOiJzM2NyZXQifQ");

  ASSERT_TRUE(token) << token.error().what;
  EXPECT_EQ(*token, (Token{{"hub.example.net", 8443}, "edge-1", "s3cret", {}}));
}

TEST(Token, WritesTheExampleOfThePublishedProtocol) {
  EXPECT_EQ(encode_token({{"hub.example.net", 8443}, "edge-1", "s3cret", {}}),
            "eyJoIjoiaHViLmV4YW1wbGUubmV0IiwicCI6ODQ0MywiZSI6ImVkZ2UtMSIsInMiOiJzM2NyZXQifQ");
}

TEST(Token, ReadsWhatItWrites) {
  const Token plain{{"2001:db8::1", 1}, "e", "\"quoted\\", {}};
  for (const Token& token : {kToken, plain}) {
    const auto read = decode_token(encode_token(token));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(*read, token);
  }
}

TEST(Token, TheLongestThatCanBeWrittenIsRead) {
  const Token token{{std::string(255, '"'), 65535},
                    std::string(64, '\\'),
                    std::string(256, '"'),
                    std::vector<KeyPin>(8, pin_of(7))};

  EXPECT_EQ(decode_token(encode_token(token)).value(), token);
}

TEST(Token, IgnoresWhiteSpaceAroundAndKeysItDoesNotKnow) {
  const auto read = decode_token(" \t" + encoded(R"({"h":"a","p":1,"e":"b","s":"c","later":[{}]})") + "\r\n");

  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(*read, (Token{{"a", 1}, "b", "c", {}}));
}

TEST(Token, RefusesNamingThePartAndNeverTheSecret) {
  struct Case {
    int number;
    std::string token;
    const char* part;
  };
  const std::string pin = to_string(pin_of(1));
  const std::array cases{
      Case{1, "", "the token is empty"},
      Case{2, " \n", "the token is empty"},
      Case{3, std::string(4097, 'a'), "longer than 4096"},
      Case{4, "eyJo=", "not base64url"},
      Case{5, "eyJ o", "not base64url"},
      Case{6, "e", "not base64url"},
      Case{7, encoded("s3cret"), "the token: not JSON, at byte 0"},
      Case{8, encoded(R"({"h":"a","p":1,"e":"b","s":"s3cret"} x)"), "the token: not JSON, at byte 37"},
      Case{9, encoded(R"(["s3cret"])"), "not a JSON object"},
      Case{10, encoded(R"({"p":1,"e":"b","s":"s3cret"})"), "key 'h' is missing"},
      Case{11, encoded(R"({"h":5,"p":1,"e":"b","s":"s3cret"})"), "key 'h' must be a string"},
      Case{12, encoded(R"({"h":"","p":1,"e":"b","s":"s3cret"})"), "key 'h' must be 1 to 255"},
      Case{13, encoded(R"({"h":"a b","p":1,"e":"b","s":"s3cret"})"), "key 'h' must be 1 to 255"},
      Case{14, encoded(R"({"h":"[::1]","p":1,"e":"b","s":"s3cret"})"), "key 'h' must have no brackets"},
      Case{15, encoded(R"({"h":"a","e":"b","s":"s3cret"})"), "key 'p' is missing"},
      Case{16, encoded(R"({"h":"a","p":0,"e":"b","s":"s3cret"})"),
           "key 'p' must be an integer from 1 to 65535"},
      Case{17, encoded(R"({"h":"a","p":65536,"e":"b","s":"s3cret"})"), "key 'p' must be an integer"},
      Case{18, encoded(R"({"h":"a","p":-1,"e":"b","s":"s3cret"})"), "key 'p' must be an integer"},
      Case{19, encoded(R"({"h":"a","p":"1","e":"b","s":"s3cret"})"), "key 'p' must be an integer"},
      Case{20, encoded(R"({"h":"a","p":1,"s":"s3cret"})"), "key 'e' is missing"},
      Case{21, encoded(R"({"h":"a","p":1,"e":"b c","s":"s3cret"})"), "key 'e' must be 1 to 64"},
      Case{22, encoded(R"({"h":"a","p":1,"e":"b"})"), "key 's' is missing"},
      Case{23, encoded(R"({"h":"a","p":1,"e":"b","s":"s3cret\n"})"), "key 's' must be 1 to 256"},
      Case{24, encoded(R"({"h":"a","p":1,"e":"b","s":["s3cret"]})"), "key 's' must be a string"},
      Case{25, encoded(R"({"h":"a","p":1,"e":"b","s":"s3cret","k":"x"})"), "key 'k' must be an array"},
      Case{26, encoded(R"({"h":"a","p":1,"e":"b","s":"s3cret","k":[]})"), "key 'k' must have a fingerprint"},
      Case{27, encoded(R"({"h":"a","p":1,"e":"b","s":"s3cret","k":["x"]})"),
           "key 'k[0]' must be a fingerprint"},
      Case{28, encoded(R"({"h":"a","p":1,"e":"b","s":"s3cret","k":[")" + pin + R"(",7]})"),
           "key 'k[1]' must be"},
      Case{29, encoded(R"({"h":"a","p":1,"e":"b","s":"s3cret","k":[1,2,3,4,5,6,7,8,9]})"),
           "more than 8 elements"},
      Case{30, encoded(R"({"x":[[[[[[[[1]]]]]]]],"s":"s3cret"})"), "not JSON, at byte"},
      Case{31, encoded("{\"h\":\"a\xff\",\"s\":\"s3cret\"}"), "not JSON, at byte"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(c.number));
    const auto read = decode_token(c.token);
    if (read) {
      ADD_FAILURE() << "was accepted";
      continue;
    }
    EXPECT_THAT(read.error().what, HasSubstr(c.part));
    EXPECT_THAT(read.error().what, Not(HasSubstr("s3cret")));
  }
}

TEST(KeyPin, Is43CharactersAndBack) {
  const std::string text = to_string(pin_of(0));

  EXPECT_EQ(text, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
  EXPECT_EQ(parse_pin(text).value(), pin_of(0));
}

TEST(KeyPin, RefusesOtherText) {
  const std::string good = to_string(pin_of(0));
  for (const std::string& text : {std::string{}, good.substr(1), good + "A", good.substr(0, 42) + "9",
                                  good.substr(0, 42) + "=", "+" + good.substr(1)}) {
    const auto pin = parse_pin(text);
    ASSERT_FALSE(pin) << text;
    EXPECT_THAT(pin.error().what, HasSubstr("43 characters of base64url"));
  }
}

TEST(EdgeId, IsOneWordOf64Characters) {
  EXPECT_TRUE(is_edge_id("e"));
  EXPECT_TRUE(is_edge_id(std::string(64, '~')));
  EXPECT_FALSE(is_edge_id(""));
  EXPECT_FALSE(is_edge_id(std::string(65, 'e')));
  EXPECT_FALSE(is_edge_id("a b"));
  EXPECT_FALSE(is_edge_id("a\n"));
  EXPECT_FALSE(is_edge_id("\xc3\xa4"));
}

TEST(Secret, IsOneWordOf256Characters) {
  EXPECT_TRUE(is_secret("s"));
  EXPECT_TRUE(is_secret(std::string(256, '!')));
  EXPECT_FALSE(is_secret(""));
  EXPECT_FALSE(is_secret(std::string(257, 's')));
  EXPECT_FALSE(is_secret("a b"));
  EXPECT_FALSE(is_secret("a\r"));
}

}  // namespace
}  // namespace penstock
