#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_descriptor.h"
#include "ctl_fake.h"
#include "proto/token.h"
#include "temp_dir.h"

namespace penstock::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

Token sample() {
  Token token;
  token.hub = {"hub.example", 8443};
  token.edge_id = "fra1";
  token.secret = "very-secret-word";
  token.pins.push_back(KeyPin{std::byte{1}});
  return token;
}

TEST(TokenDecode, ShowsAllButTheSecret) {
  test::FakeWorld world;
  world.input("  " + encode_token(sample()) + "\n");

  EXPECT_EQ(world.run({"token", "decode"}), ExitStatus::kDone) << world.err();

  EXPECT_EQ(world.out(),
            "hub     hub.example:8443\n"
            "edge    fra1\n"
            "secret  16 characters, not shown\n"
            "pin     AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
  EXPECT_TRUE(world.asked.empty());
}

TEST(TokenDecode, ReadsAFileAndSpeaksJson) {
  const penstock::test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "token", encode_token(sample()), 0600));
  test::FakeWorld world;

  EXPECT_EQ(world.run({"token", "decode", "--json", "--file", dir / "token"}), ExitStatus::kDone)
      << world.err();

  EXPECT_EQ(
      world.out(),
      R"({"hub":"hub.example:8443","edge":"fra1","pins":["AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]})"
      "\n");
}

TEST(TokenDecode, SaysThatAnUnpinnedTokenIsNotEnough) {
  Token token = sample();
  token.pins.clear();
  test::FakeWorld world;
  world.input(encode_token(token));

  EXPECT_EQ(world.run({"token", "decode"}), ExitStatus::kDone);

  EXPECT_THAT(world.out(), HasSubstr("pin     none"));
}

TEST(TokenDecode, RefusesWhatIsNoToken) {
  for (const std::string& text :
       {std::string{}, std::string{"hello"}, std::string(70000, 'A'), std::string{"e30"}}) {
    test::FakeWorld world;
    world.input(text);
    EXPECT_EQ(world.run({"token", "decode"}), ExitStatus::kUsage);
    EXPECT_THAT(world.err(), HasSubstr("token"));
    EXPECT_EQ(world.out(), "");
  }
  test::FakeWorld world;
  EXPECT_EQ(world.run({"token", "decode", "--file", "/nonexistent/token"}), ExitStatus::kUsage);
  EXPECT_THAT(world.err(), HasSubstr("/nonexistent/token"));
}

}  // namespace
}  // namespace penstock::ctl
