// Rotation: which secret is accepted when.
#include "store/edge_record.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

EdgeRecord fresh() {
  return {.id = "a", .current = make_edge_secret("old"), .created = kNow};
}

TEST(EdgeRecord, AcceptsItsOneSecret) {
  EXPECT_EQ(check(fresh(), "old", kNow), SecretMatch::kCurrent);
  EXPECT_EQ(check(fresh(), "new", kNow), SecretMatch::kNone);
  EXPECT_EQ(check(fresh(), "", kNow), SecretMatch::kNone);
}

TEST(EdgeRecord, RotationKeepsTheOldSecretForADay) {
  const EdgeRecord record = rotate(fresh(), "new", kNow);

  EXPECT_EQ(record.id, "a");
  EXPECT_EQ(record.created, kNow);
  EXPECT_EQ(record.previous_until, kNow + 86400);
  EXPECT_EQ(check(record, "new", kNow), SecretMatch::kCurrent);
  EXPECT_EQ(check(record, "old", kNow), SecretMatch::kPrevious);
  EXPECT_EQ(check(record, "old", kNow + 86399), SecretMatch::kPrevious);
  EXPECT_EQ(check(record, "old", kNow + 86400), SecretMatch::kNone);
  EXPECT_EQ(check(record, "new", kNow + 86400), SecretMatch::kCurrent);
}

TEST(EdgeRecord, UseOfTheNewSecretEndsTheOld) {
  const EdgeRecord record = rotate(fresh(), "new", kNow);

  const auto settled = settle(record, check(record, "new", kNow + 1), kNow + 1);

  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->previous, std::nullopt);
  EXPECT_EQ(check(*settled, "old", kNow + 2), SecretMatch::kNone);
  EXPECT_EQ(check(*settled, "new", kNow + 2), SecretMatch::kCurrent);
}

TEST(EdgeRecord, UseOfTheOldSecretChangesNothing) {
  const EdgeRecord record = rotate(fresh(), "new", kNow);

  EXPECT_EQ(settle(record, SecretMatch::kPrevious, kNow + 1), std::nullopt);
  EXPECT_EQ(settle(record, SecretMatch::kNone, kNow + 1), std::nullopt);
}

TEST(EdgeRecord, TimeEndsTheOldSecretToo) {
  const EdgeRecord record = rotate(fresh(), "new", kNow);

  const auto settled = settle(record, SecretMatch::kNone, kNow + kRotationSeconds);

  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->previous, std::nullopt);
  EXPECT_EQ(settled->current, record.current);
}

TEST(EdgeRecord, WithoutRotationNothingIsToSettle) {
  EXPECT_EQ(settle(fresh(), SecretMatch::kCurrent, kNow), std::nullopt);
}

TEST(EdgeRecord, SecondRotationDropsTheSecretThatNobodyUsed) {
  const EdgeRecord once = rotate(fresh(), "lost", kNow);
  const EdgeRecord twice = rotate(once, "new", kNow + 10);

  EXPECT_EQ(check(twice, "new", kNow + 11), SecretMatch::kCurrent);
  EXPECT_EQ(check(twice, "old", kNow + 11), SecretMatch::kPrevious);
  EXPECT_EQ(check(twice, "lost", kNow + 11), SecretMatch::kNone);
  EXPECT_EQ(twice.previous_until, once.previous_until);  // no life is made longer by rotating again
}

TEST(EdgeRecord, RotationAfterTheFirstIsOverKeepsTheLatest) {
  const EdgeRecord once = rotate(fresh(), "second", kNow);
  const EdgeRecord twice = rotate(once, "third", kNow + kRotationSeconds);

  EXPECT_EQ(check(twice, "second", kNow + kRotationSeconds), SecretMatch::kPrevious);
  EXPECT_EQ(check(twice, "old", kNow + kRotationSeconds), SecretMatch::kNone);
  EXPECT_EQ(twice.previous_until, kNow + 2 * kRotationSeconds);
}

TEST(EdgeRecord, UnknownEdgesMatchNothing) {
  EXPECT_EQ(check_unknown("old"), SecretMatch::kNone);
  EXPECT_EQ(check_unknown(""), SecretMatch::kNone);
}

}  // namespace
}  // namespace penstock
