// load_config: the file itself and those that it names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "config/secret_file.h"
#include "unit/config/temporary_directory.h"

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSecret = "0123456789abcdef\n";

class NamedFiles : public testing::Test {
 protected:
  Result<Config> load(const std::string& text) {
    return load_config(directory_.write("p.toml", text), {}, {});
  }
  std::string refusal(const std::string& text) {
    const auto config = load(text);
    EXPECT_FALSE(config) << "accepted: " << text;
    return config ? "" : config.error().what;
  }
  std::string key(std::string_view name, const std::string& path) {
    return std::string{name} + " = \"" + path + "\"\n";
  }

  TemporaryDirectory directory_;
};

TEST_F(NamedFiles, LoadsAHubWhoseFilesAreRight) {
  const auto config = load("[hub]\n" + key("certificate", directory_.write("c", "x", 0644)) +
                           key("key", directory_.write("k", "x", 0600)) + "[[hub.edges]]\nid = \"a\"\n" +
                           key("secret_file", directory_.write("s", kSecret, 0400)));

  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->edge_positions.at("a"), (Position{directory_.path() + "/p.toml", 4}));
}

TEST_F(NamedFiles, LoadsAnEdgeWhoseFilesAreRight) {
  EXPECT_TRUE(load("[edge]\n" + key("token_file", directory_.write("t", "token"))));
  EXPECT_TRUE(load("[edge]\nhub = \"h:1\"\nid = \"a\"\n" +
                   key("secret_file", directory_.write("s", "short")) +
                   key("ca_file", directory_.write("c", "x", 0644))));
}

TEST_F(NamedFiles, MissingConfigIsNamed) {
  const auto config = load_config(directory_.path() + "/none.toml", {}, {});

  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().what, HasSubstr("none.toml"));
}

TEST_F(NamedFiles, EachMissingFileIsNamedWithLineAndKey) {
  const std::string hub = refusal(
      "[hub]\ncertificate = \"/none/c\"\nkey = \"/none/k\"\n[[hub.edges]]\nid = \"a\"\nsecret_file = "
      "\"/none/s\"\n");
  EXPECT_THAT(hub, HasSubstr("p.toml:2: hub.certificate: cannot open /none/c"));
  EXPECT_THAT(hub, HasSubstr("p.toml:3: hub.key: cannot open /none/k"));
  EXPECT_THAT(hub, HasSubstr("p.toml:6: hub.edges.secret_file: cannot open /none/s"));

  const std::string edge =
      refusal("[edge]\nhub = \"h:1\"\nid = \"a\"\nsecret_file = \"/none/s\"\nca_file = \"/none/c\"\n");
  EXPECT_THAT(edge, HasSubstr("p.toml:4: edge.secret_file: cannot open /none/s"));
  EXPECT_THAT(edge, HasSubstr("p.toml:5: edge.ca_file: cannot open /none/c"));

  EXPECT_THAT(refusal("[edge]\ntoken_file = \"/none/t\"\n"),
              HasSubstr("p.toml:2: edge.token_file: cannot open /none/t"));
}

TEST_F(NamedFiles, SecretsThatOthersMayReadAreRefused) {
  const std::string open = directory_.write("s", kSecret, 0640);
  EXPECT_THAT(refusal("[edge]\n" + key("token_file", open)),
              HasSubstr("edge.token_file: " + open + " holds a secret"));
  EXPECT_THAT(refusal("[edge]\nhub = \"h:1\"\nid = \"a\"\ninsecure_accept_any_hub = true\n" +
                      key("secret_file", open)),
              HasSubstr("p.toml:5: edge.secret_file: " + open + " holds a secret"));
  EXPECT_THAT(refusal("[hub]\n[[hub.edges]]\nid = \"a\"\n" + key("secret_file", open)),
              HasSubstr("p.toml:4: hub.edges.secret_file: " + open + " holds a secret"));
  EXPECT_THAT(refusal("[hub]\n" + key("certificate", open) + key("key", open)),
              HasSubstr("p.toml:3: hub.key: " + open + " holds a secret"));
}

TEST_F(NamedFiles, AHubRefusesASecretThatAnEdgeTakes) {
  const std::string short_one = directory_.write("s", "fifteen-letters\n");

  EXPECT_TRUE(load("[edge]\nhub = \"h:1\"\nid = \"a\"\ninsecure_accept_any_hub = true\n" +
                   key("secret_file", short_one)));
  EXPECT_THAT(refusal("[hub]\n[[hub.edges]]\nid = \"a\"\n" + key("secret_file", short_one)),
              HasSubstr("p.toml:4: hub.edges.secret_file: " + short_one +
                        " holds 15 characters, a secret has 16 to 256"));
}

TEST_F(NamedFiles, FileErrorsComeWithAllOthers) {
  const std::string what = refusal("[edge]\ntoken_file = \"/none/t\"\n[limits]\nflows = 0\n");

  EXPECT_THAT(what, HasSubstr("p.toml:2: edge.token_file"));
  EXPECT_THAT(what, HasSubstr("p.toml:4: limits.flows"));
}

TEST_F(NamedFiles, AFileNamedByTheEnvironmentIsReportedThere) {
  const auto config = load_config(directory_.write("p.toml", ""), {{"PENSTOCK_TOKEN_FILE", "/none/t"}}, {});

  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().what.find("environment PENSTOCK_TOKEN_FILE: edge.token_file: cannot open /none/t"),
            0U);
}

TEST_F(NamedFiles, SecretsAreReadWithoutSurroundingSpace) {
  EXPECT_EQ(*read_secret(directory_.write("s", " \tsecret\r\n\n"), 1), "secret");
}

TEST_F(NamedFiles, SecretsHaveBounds) {
  EXPECT_TRUE(read_secret(directory_.write("s", std::string(16, 'x')), 16));
  EXPECT_TRUE(read_secret(directory_.write("s", std::string(256, 'x')), 16));
  for (const std::string& content : {std::string(15, 'x'), std::string(257, 'x'), std::string(),
                                     std::string("  \n"), std::string("0123456789 abcdef"),
                                     std::string("0123456789\x01"
                                                 "abcdef"),
                                     std::string(5000, 'x')}) {
    const auto secret = read_secret(directory_.write("s", content), 16);
    ASSERT_FALSE(secret) << content;
    EXPECT_THAT(secret.error().what, HasSubstr(directory_.path()));
    EXPECT_THAT(secret.error().what, Not(HasSubstr("0123456789")));
  }
}

}  // namespace
}  // namespace penstock
