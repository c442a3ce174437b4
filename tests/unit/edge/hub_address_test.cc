#include "edge/hub_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "net/certificate.h"
#include "proto/token.h"
#include "unit/config/temporary_directory.h"

namespace penstock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kSecret = "correct-horse-battery";

KeyPin pin(int filler) {
  KeyPin made{};
  made.fill(static_cast<std::byte>(filler));
  return made;
}

Token token() {
  return {.hub = {"hub.example", 8443},
          .edge_id = "berlin",
          .secret = std::string{kSecret},
          .pins = {pin(1), pin(2)}};
}

class HubAddressTest : public testing::Test {
 protected:
  EdgeConfig by_token(const std::string& text, mode_t mode = 0600) const {
    EdgeConfig config;
    config.token_file = directory_.write("token", text, mode);
    return config;
  }
  EdgeConfig by_keys(mode_t mode = 0600) const {
    EdgeConfig config;
    config.hub = HostPort{"hub.example", 8443};
    config.id = "berlin";
    config.secret_file = directory_.write("secret", std::string{kSecret} + "\n", mode);
    return config;
  }
  /// Whatever is wrong, the secret is not shown.
  static std::string refusal(const EdgeConfig& config) {
    const auto loaded = load_hub_address(config);
    EXPECT_TRUE(loaded.has_error());
    if (!loaded.has_error()) return "";
    EXPECT_THAT(loaded.error().what, Not(HasSubstr(kSecret)));
    return loaded.error().what;
  }

  TemporaryDirectory directory_;
};

TEST_F(HubAddressTest, ComesFromAToken) {
  const auto address = load_hub_address(by_token(encode_token(token()) + "\n"));

  ASSERT_TRUE(address) << address.error().what;
  EXPECT_EQ(address->hub, (HostPort{"hub.example", 8443}));
  EXPECT_EQ(address->edge_id, "berlin");
  EXPECT_EQ(address->secret, kSecret);
  EXPECT_EQ(address->server_name, "hub.example");
  EXPECT_THAT(address->context->pins(), ElementsAre(pin(1), pin(2)));
  EXPECT_FALSE(address->context->is_server());
  EXPECT_FALSE(address->context->checks_name());
}

TEST_F(HubAddressTest, ComesFromTheSingleKeys) {
  EdgeConfig config = by_keys();
  config.pins = {to_string(pin(3))};
  config.hub_name = "other.example";

  const auto address = load_hub_address(config);

  ASSERT_TRUE(address) << address.error().what;
  EXPECT_EQ(address->hub, (HostPort{"hub.example", 8443}));
  EXPECT_EQ(address->edge_id, "berlin");
  EXPECT_EQ(address->secret, kSecret);
  EXPECT_EQ(address->server_name, "other.example");
  EXPECT_THAT(address->context->pins(), ElementsAre(pin(3)));
}

TEST_F(HubAddressTest, IsRefusedWhenNothingSaysHowToKnowTheHub) {
  Token without = token();
  without.pins.clear();

  for (const EdgeConfig& config : {by_keys(), by_token(encode_token(without))}) {
    EXPECT_THAT(refusal(config),
                AllOf(HasSubstr("nothing says how to know the hub"), HasSubstr("penstockctl edges add"),
                      HasSubstr("edge.ca_file"), HasSubstr("edge.pins")));
  }
}

TEST_F(HubAddressTest, AcceptsAnyHubOnlyWhenToldTo) {
  EdgeConfig config = by_keys();
  config.insecure_accept_any_hub = true;

  const auto address = load_hub_address(config);

  ASSERT_TRUE(address) << address.error().what;
  EXPECT_THAT(address->context->pins(), IsEmpty());
  EXPECT_FALSE(address->context->checks_name());
}

TEST_F(HubAddressTest, ATokensPinWinsOverAcceptingAnyHub) {
  EdgeConfig config = by_token(encode_token(token()));
  config.insecure_accept_any_hub = true;

  EXPECT_THAT(load_hub_address(config).value().context->pins(), ElementsAre(pin(1), pin(2)));
}

TEST_F(HubAddressTest, ChecksTheNameWhereACaIsConfigured) {
  EdgeConfig config = by_keys();
  config.ca_file = directory_.write("ca.crt", make_certificate("ca.example").value().certificate_pem, 0644);

  const auto address = load_hub_address(config);

  ASSERT_TRUE(address) << address.error().what;
  EXPECT_TRUE(address->context->checks_name());
  EXPECT_EQ(address->server_name, "hub.example");
}

TEST_F(HubAddressTest, NamesACaFileThatIsMissingOrNone) {
  EdgeConfig config = by_keys();
  config.ca_file = directory_.path() + "/missing.crt";
  EXPECT_THAT(refusal(config), HasSubstr("missing.crt"));

  config.ca_file = directory_.write("ca.crt", "rubbish");
  EXPECT_THAT(refusal(config), AllOf(HasSubstr(config.ca_file), HasSubstr("no CA certificate")));
}

TEST_F(HubAddressTest, ABadTokenNamesThePartThatIsWrong) {
  struct Case {
    std::string json;
    std::string key;
  };
  const std::string secret{kSecret};
  const std::vector<Case> cases = {
      {R"({"p":8443,"e":"berlin","s":")" + secret + R"("})", "h"},
      {R"({"h":"hub.example","p":0,"e":"berlin","s":")" + secret + R"("})", "p"},
      {R"({"h":"hub.example","p":8443,"e":"two words","s":")" + secret + R"("})", "e"},
      {R"({"h":"hub.example","p":8443,"e":"berlin","s":")" + secret + R"( with a space"})", "s"},
      {R"({"h":"hub.example","p":8443,"e":"berlin","s":")" + secret + R"(","k":["short"]})", "k[0]"},
  };
  for (const Case& bad : cases) {
    SCOPED_TRACE(bad.json);
    const EdgeConfig config = by_token(to_base64url(as_bytes(bad.json)));

    EXPECT_THAT(refusal(config), HasSubstr(config.token_file + ": the token: key '" + bad.key + "'"));
  }
}

TEST_F(HubAddressTest, ABadTokenFileIsNamed) {
  EdgeConfig missing;
  missing.token_file = directory_.path() + "/missing";
  EXPECT_THAT(refusal(missing), HasSubstr(missing.token_file));
  EXPECT_THAT(refusal(by_token("")), HasSubstr("token is empty"));
  EXPECT_THAT(refusal(by_token(std::string{kSecret} + "=")),
              AllOf(HasSubstr(directory_.path()), HasSubstr("base64url"), HasSubstr("edges rotate")));
}

TEST_F(HubAddressTest, RefusesFilesThatOthersMayRead) {
  EXPECT_THAT(refusal(by_token(encode_token(token()), 0644)),
              AllOf(HasSubstr("chmod 600"), HasSubstr("/token")));
  EXPECT_THAT(refusal(by_keys(0640)), AllOf(HasSubstr("chmod 600"), HasSubstr("/secret")));
}

TEST_F(HubAddressTest, ABadPinNamesItsKey) {
  EdgeConfig config = by_keys();
  config.pins = {to_string(pin(1)), "short"};

  EXPECT_THAT(refusal(config), AllOf(HasSubstr("edge.pins"), HasSubstr("'short'")));
}

}  // namespace
}  // namespace penstock
