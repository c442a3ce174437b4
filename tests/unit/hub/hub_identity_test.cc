#include "hub/hub_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "net/certificate.h"
#include "unit/config/temporary_directory.h"
#include "unit/hub/refused.h"

namespace penstock {
namespace {

using testing::HasSubstr;

class HubIdentityTest : public testing::Test {
 protected:
  HubIdentityTest() {
    config_.node.name = "hub.example";
    config_.node.state_dir = state_.path();
    config_.hub.emplace();
  }
  PublicKeyHash pin() const {
    const auto identity = load_hub_identity(config_);
    EXPECT_TRUE(identity) << identity.error().what;
    if (!identity) return {};
    EXPECT_TRUE(identity->context->is_server());
    return identity->pin;
  }
  /// The operator's own pair; the key file gets that mode.
  void use(const std::string& certificate, const std::string& key, mode_t mode = 0600) {
    config_.hub->certificate = own_.write("own.crt", certificate, 0644);
    config_.hub->key = own_.write("own.key", key, mode);
  }
  mode_t mode_of(const std::string& name) const {
    struct stat info {};
    EXPECT_EQ(::stat((state_.path() + "/" + name).c_str(), &info), 0) << name;
    return info.st_mode & 07777;
  }
  bool kept(const std::string& name) const { return std::filesystem::exists(state_.path() + "/" + name); }

  TemporaryDirectory state_;
  TemporaryDirectory own_;
  Config config_;
};

TEST_F(HubIdentityTest, IsGeneratedOnceAndKept) {
  const PublicKeyHash first = pin();

  EXPECT_EQ(mode_of("hub.key"), 0600U);
  EXPECT_EQ(mode_of("hub.crt"), 0644U);
  EXPECT_NE(first, PublicKeyHash{});
  EXPECT_EQ(pin(), first);
}

TEST_F(HubIdentityTest, IsAnotherInAnotherStateDirectory) {
  const PublicKeyHash first = pin();
  const TemporaryDirectory other;
  config_.node.state_dir = other.path();

  EXPECT_NE(pin(), first);
}

TEST_F(HubIdentityTest, IsTheOperatorsOwnWhereThereIsOne) {
  const auto own = make_certificate("own.example").value();
  use(own.certificate_pem, own.key_pem);

  EXPECT_EQ(pin(), public_key_hash_of_pem(own.certificate_pem).value());
  EXPECT_FALSE(kept("hub.key"));
  EXPECT_FALSE(kept("hub.crt"));
}

TEST_F(HubIdentityTest, RefusesAKeyOfAnotherCertificate) {
  use(make_certificate("own.example").value().certificate_pem,
      make_certificate("own.example").value().key_pem);

  EXPECT_THAT(refused(load_hub_identity(config_)).what,
              HasSubstr("the hub's certificate and key: the key does not belong to the certificate"));
}

TEST_F(HubIdentityTest, RefusesAKeyThatOthersMayRead) {
  const auto own = make_certificate("own.example").value();
  use(own.certificate_pem, own.key_pem, 0644);

  const Error refusal = refused(load_hub_identity(config_));

  EXPECT_EQ(refusal.code, make_error_code(Errc::kRefused));
  EXPECT_THAT(refusal.what, HasSubstr(config_.hub->key));
}

TEST_F(HubIdentityTest, RefusesFilesThatAreNoPem) {
  const auto own = make_certificate("own.example").value();
  use("rubbish", own.key_pem);
  EXPECT_THAT(refused(load_hub_identity(config_)).what, HasSubstr("the hub's certificate"));

  use(own.certificate_pem, "rubbish");
  EXPECT_THAT(refused(load_hub_identity(config_)).what, HasSubstr("no private key"));
}

TEST_F(HubIdentityTest, NamesTheFileThatIsMissing) {
  use(make_certificate("own.example").value().certificate_pem, "");
  config_.hub->key = own_.path() + "/missing.key";

  EXPECT_THAT(refused(load_hub_identity(config_)).what, HasSubstr("missing.key"));
}

TEST_F(HubIdentityTest, IsNotReplacedWhenTheKeptKeyIsGone) {
  pin();
  std::filesystem::remove(state_.path() + "/hub.key");

  EXPECT_THAT(refused(load_hub_identity(config_)).what, HasSubstr("hub.key"));
  EXPECT_FALSE(kept("hub.key"));
}

TEST_F(HubIdentityTest, KeepsItsKeyWhenOnlyTheCertificateIsGone) {
  const PublicKeyHash first = pin();
  std::filesystem::remove(state_.path() + "/hub.crt");

  EXPECT_EQ(pin(), first);
  EXPECT_TRUE(kept("hub.crt"));
}

TEST_F(HubIdentityTest, FinishesAStartThatBrokeOffBeforeTheCertificate) {
  const auto made = make_certificate("hub.example").value();
  state_.write("hub.key", made.key_pem);

  EXPECT_EQ(pin(), public_key_hash_of_pem(made.certificate_pem).value());
}

TEST_F(HubIdentityTest, RefusesAKeptKeyThatIsNone) {
  state_.write("hub.key", "rubbish");

  EXPECT_THAT(refused(load_hub_identity(config_)).what, HasSubstr("hub.key: cannot read the key"));
  EXPECT_FALSE(kept("hub.crt"));
}

TEST_F(HubIdentityTest, FailsWhereTheStateDirectoryIsMissing) {
  config_.node.state_dir = state_.path() + "/missing";

  EXPECT_THAT(refused(load_hub_identity(config_)).what, HasSubstr("/missing/hub.key"));
}

}  // namespace
}  // namespace penstock
