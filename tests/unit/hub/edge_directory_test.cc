#include "hub/edge_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/temporary_directory.h"
#include "unit/hub/refused.h"

namespace penstock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kSecret = "correct-horse-battery";
constexpr std::string_view kOther = "another-horse-battery";

class EdgeDirectoryTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  /// Starts the hub (again): what counts afterwards was on the disk.
  void start() {
    directory_.reset();
    store_.reset();
    auto opened = Store::open(state_.path());
    ASSERT_TRUE(opened) << opened.error().what;
    store_.emplace(std::move(*opened));
    directory_.emplace(*store_, [this] { return now_; });
    const auto loaded = directory_->load(config_);
    ASSERT_TRUE(loaded) << loaded.error().what;
  }
  /// Adds it to the file, at that line, with its secret in a file of that mode; gives the secret's path.
  std::string declare(const std::string& id, std::string_view secret, std::uint32_t line,
                      mode_t mode = 0600) {
    std::string path = state_.write(id + ".secret", secret, mode);
    config_.hub->edges.push_back({.id = id, .secret_file = path});
    config_.edge_positions[id] = {.file = "hub.toml", .line = line};
    return path;
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const auto& entry : directory_->list()) out.push_back(entry.record.id);
    return out;
  }
  bool rotating(const std::string& id) const {
    for (const auto& entry : directory_->list()) {
      if (entry.record.id == id) return entry.rotating;
    }
    ADD_FAILURE() << "no edge " << id;
    return false;
  }
  static Config empty_hub() {
    Config config;
    config.hub.emplace();
    return config;
  }

  TemporaryDirectory state_;
  Config config_ = empty_hub();
  std::int64_t now_ = 1'700'000'000;
  std::optional<Store> store_;
  std::optional<EdgeDirectory> directory_;
};

TEST_F(EdgeDirectoryTest, AuthenticatesAnAddedEdgeByItsSecretAlone) {
  const std::string secret = directory_->add("berlin", "").value();
  const std::string other = directory_->add("paris", "").value();

  EXPECT_NE(secret, other);
  EXPECT_TRUE(directory_->authenticate("berlin", secret));
  EXPECT_FALSE(directory_->authenticate("berlin", other));
  EXPECT_FALSE(directory_->authenticate("berlin", ""));
  EXPECT_FALSE(directory_->authenticate("Berlin", secret));
  EXPECT_FALSE(directory_->authenticate("rome", secret));
  EXPECT_THAT(ids(), ElementsAre("berlin", "paris"));
  EXPECT_EQ(directory_->list().front().record.created, now_);
}

TEST_F(EdgeDirectoryTest, TakesASecretMadeElsewhere) {
  EXPECT_EQ(directory_->add("berlin", std::string{kSecret}).value(), kSecret);

  EXPECT_TRUE(directory_->authenticate("berlin", kSecret));
}

TEST_F(EdgeDirectoryTest, RefusesABadSecretMadeElsewhereWithoutShowingIt) {
  const Error refusal = refused(directory_->add("berlin", "too-short"));

  EXPECT_EQ(refusal.code, make_error_code(Errc::kRefused));
  EXPECT_THAT(refusal.what, AllOf(HasSubstr("9 characters"), Not(HasSubstr("too-short"))));
  EXPECT_FALSE(directory_->contains("berlin"));
}

TEST_F(EdgeDirectoryTest, RefusesIdsThatCannotBeOne) {
  for (const char* const id : {"", "two words", "*", "tab\t"}) {
    EXPECT_EQ(refused(directory_->add(id, "")).code, make_error_code(Errc::kInvalid)) << id;
    EXPECT_FALSE(directory_->contains(id)) << id;
  }
  EXPECT_EQ(refused(directory_->add(std::string(65, 'x'), "")).code, make_error_code(Errc::kInvalid));
  EXPECT_TRUE(directory_->add(std::string(64, 'x'), ""));
}

TEST_F(EdgeDirectoryTest, RefusesASecondEdgeOfAnId) {
  const std::string secret = directory_->add("berlin", "").value();

  const Error refusal = refused(directory_->add("berlin", std::string{kSecret}));

  EXPECT_EQ(refusal.code, make_error_code(Errc::kExists));
  EXPECT_THAT(refusal.what, HasSubstr("'berlin'"));
  EXPECT_TRUE(directory_->authenticate("berlin", secret));
  EXPECT_FALSE(directory_->authenticate("berlin", kSecret));
}

TEST_F(EdgeDirectoryTest, TheOldSecretCountsUntilTheNewOneIsUsed) {
  const std::string old = directory_->add("berlin", "").value();
  const std::string fresh = directory_->rotate("berlin").value();

  EXPECT_NE(old, fresh);
  EXPECT_TRUE(rotating("berlin"));
  EXPECT_TRUE(directory_->authenticate("berlin", old));
  EXPECT_TRUE(directory_->authenticate("berlin", old));
  EXPECT_TRUE(directory_->authenticate("berlin", fresh));
  EXPECT_FALSE(directory_->authenticate("berlin", old));
  EXPECT_FALSE(rotating("berlin"));

  start();
  EXPECT_FALSE(directory_->authenticate("berlin", old));
  EXPECT_TRUE(directory_->authenticate("berlin", fresh));
}

TEST_F(EdgeDirectoryTest, TheOldSecretCountsForADay) {
  const std::string old = directory_->add("berlin", "").value();
  const std::string fresh = directory_->rotate("berlin").value();

  now_ += kRotationSeconds - 1;
  EXPECT_TRUE(directory_->authenticate("berlin", old));
  now_ += 1;
  EXPECT_FALSE(rotating("berlin"));
  EXPECT_FALSE(directory_->authenticate("berlin", old));
  EXPECT_TRUE(directory_->authenticate("berlin", fresh));
}

TEST_F(EdgeDirectoryTest, ARotationOutlivesARestart) {
  const std::string old = directory_->add("berlin", "").value();
  const std::string fresh = directory_->rotate("berlin").value();

  start();

  EXPECT_TRUE(rotating("berlin"));
  EXPECT_TRUE(directory_->authenticate("berlin", old));
  EXPECT_TRUE(directory_->authenticate("berlin", fresh));
}

TEST_F(EdgeDirectoryTest, RemovesAnEdgeForGood) {
  const std::string secret = directory_->add("berlin", "").value();

  EXPECT_TRUE(directory_->remove("berlin"));

  EXPECT_FALSE(directory_->authenticate("berlin", secret));
  EXPECT_EQ(directory_->size(), 0U);
  start();
  EXPECT_FALSE(directory_->authenticate("berlin", secret));
}

TEST_F(EdgeDirectoryTest, ChangesNoEdgeThatItDoesNotKnow) {
  const Error rotated = refused(directory_->rotate("rome"));
  const Error removed = refused(directory_->remove("rome"));

  for (const Error& refusal : {rotated, removed}) {
    EXPECT_EQ(refusal.code, make_error_code(Errc::kNotFound));
    EXPECT_THAT(refusal.what, HasSubstr("'rome'"));
  }
}

TEST_F(EdgeDirectoryTest, ReadsTheStoreAtARestart) {
  directory_->add("berlin", std::string{kSecret}).value();

  now_ += 1000;
  start();

  EXPECT_TRUE(directory_->authenticate("berlin", kSecret));
  EXPECT_FALSE(directory_->authenticate("berlin", kOther));
  EXPECT_FALSE(directory_->list().front().declared);
  EXPECT_EQ(directory_->list().front().record.created, now_ - 1000);
}

TEST_F(EdgeDirectoryTest, AuthenticatesDeclaredEdgesByTheSecretInTheirFile) {
  declare("berlin", std::string{kSecret} + "\n", 12);
  start();

  EXPECT_TRUE(directory_->authenticate("berlin", kSecret));
  EXPECT_FALSE(directory_->authenticate("berlin", kOther));
  const auto entries = directory_->list();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_TRUE(entries.front().declared);
  EXPECT_EQ(to_string(entries.front().position), "hub.toml:12");
  EXPECT_TRUE(store_->edges().value().empty());
}

TEST_F(EdgeDirectoryTest, RefusesASecretFileThatOthersMayRead) {
  const std::string path = declare("berlin", kSecret, 12, 0640);

  const Error refusal = refused(directory_->load(config_));

  EXPECT_EQ(refusal.code, make_error_code(Errc::kRefused));
  EXPECT_THAT(refusal.what, AllOf(HasSubstr(path), HasSubstr("chmod 600"), Not(HasSubstr(kSecret))));
}

TEST_F(EdgeDirectoryTest, RefusesASecretFileWithTooShortASecret) {
  const std::string path = declare("berlin", "fifteen-letters", 12);

  EXPECT_THAT(refused(directory_->load(config_)).what,
              AllOf(HasSubstr(path), HasSubstr("15 characters"), Not(HasSubstr("fifteen-letters"))));
}

TEST_F(EdgeDirectoryTest, ADeclaredEdgeIsChangedWhereItIsDeclared) {
  declare("berlin", kSecret, 12);
  start();

  const Error rotated = refused(directory_->rotate("berlin"));
  const Error removed = refused(directory_->remove("berlin"));

  for (const Error& refusal : {rotated, removed}) {
    EXPECT_EQ(refusal.code, make_error_code(Errc::kRefused));
    EXPECT_THAT(refusal.what, AllOf(HasSubstr("'berlin'"), HasSubstr("hub.toml:12")));
  }
  EXPECT_EQ(refused(directory_->add("berlin", "")).code, make_error_code(Errc::kExists));
  EXPECT_TRUE(directory_->authenticate("berlin", kSecret));
}

TEST_F(EdgeDirectoryTest, RedeclaringTellsWhichEdgesAreGone) {
  declare("berlin", kSecret, 12);
  declare("paris", kSecret, 15);
  directory_->add("rome", std::string{kSecret}).value();
  ASSERT_TRUE(directory_->redeclare(config_));
  config_ = empty_hub();
  declare("paris", kOther, 3);
  declare("madrid", kSecret, 6);

  EXPECT_THAT(directory_->redeclare(config_).value(), ElementsAre("berlin"));

  EXPECT_THAT(ids(), ElementsAre("madrid", "paris", "rome"));
  EXPECT_FALSE(directory_->authenticate("paris", kSecret));
  EXPECT_TRUE(directory_->authenticate("paris", kOther));
  EXPECT_TRUE(directory_->authenticate("rome", kSecret));
  EXPECT_THAT(refused(directory_->remove("paris")).what, HasSubstr("hub.toml:3"));
}

TEST_F(EdgeDirectoryTest, DeclaringAnEdgeThatAnOperatorAddedChangesNothing) {
  directory_->add("berlin", std::string{kSecret}).value();
  declare("paris", kSecret, 12);
  declare("berlin", kOther, 15);

  const Error refusal = refused(directory_->redeclare(config_));

  EXPECT_EQ(refusal.code, make_error_code(Errc::kExists));
  EXPECT_THAT(refusal.what, AllOf(HasSubstr("hub.toml:15"), HasSubstr("penstockctl edges remove berlin")));
  EXPECT_THAT(ids(), ElementsAre("berlin"));
  EXPECT_TRUE(directory_->authenticate("berlin", kSecret));
  EXPECT_FALSE(directory_->authenticate("berlin", kOther));
}

TEST_F(EdgeDirectoryTest, AMissingSecretFileLeavesTheDeclaredEdgesAsTheyWere) {
  declare("berlin", kSecret, 12);
  start();
  Config broken = config_;
  broken.hub->edges.push_back({.id = "paris", .secret_file = state_.path() + "/missing"});

  EXPECT_THAT(refused(directory_->redeclare(broken)).what, HasSubstr("/missing"));

  EXPECT_THAT(ids(), ElementsAre("berlin"));
  EXPECT_TRUE(directory_->authenticate("berlin", kSecret));
}

}  // namespace
}  // namespace penstock
